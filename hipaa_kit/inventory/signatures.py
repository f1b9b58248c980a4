"""Which images are asked for signatures when pods are made, by which policy, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hipaa_kit.inventory.admission import (
    CONFIG,
    CONSTRAINTS,
    ENGINE_KINDS,
    KYVERNO,
    KYVERNO_POLICIES,
    TEMPLATES,
    Engines,
)
from hipaa_kit.inventory.fields import string_map, text
from hipaa_kit.inventory.registry import builds
from hipaa_kit.inventory.webhooks import CONFIGURATIONS
from hipaa_kit.kube import kinds
from hipaa_kit.kube.admission import Hook, Place, constraint_part, exempt_by_config, hooks_of, way_to
from hipaa_kit.kube.admission import signatures as kube
from hipaa_kit.kube.admission.parts import NONE, UNKNOWN
from hipaa_kit.kube.admission.signatures import SignaturePart
from hipaa_kit.kube.admission.signers import RATIFY, UNCLEAR
from hipaa_kit.kube.custom_kinds import custom
from hipaa_kit.kube.facts import IMAGE_SIGNERS, NAMESPACE_FILTERS
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.sources.snapshot import Record, Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.signatures import IMAGE_VERIFICATION, SIGNATURE_RULES

SIGSTORE = "policy.sigstore.dev"
OPENSHIFT = "config.openshift.io"
POLICY_KINDS = (
    custom(KYVERNO, "ClusterPolicy"),
    custom(KYVERNO, "Policy"),
    custom(KYVERNO, "PolicyException"),
    custom(KYVERNO_POLICIES, "ImageValidatingPolicy"),
    custom(KYVERNO_POLICIES, "NamespacedImageValidatingPolicy"),
    custom(KYVERNO_POLICIES, "PolicyException"),
    custom(SIGSTORE, "ClusterImagePolicy"),
    custom(OPENSHIFT, "ClusterImagePolicy"),
    custom(OPENSHIFT, "ImagePolicy"),
    custom(TEMPLATES, "ConstraintTemplate"),
    custom(CONFIG, "Config"),
    *CONFIGURATIONS,
)
"""Kinds that say which images are asked for signatures; constraints are made by templates, in a group of their own."""

EXCEPTIONS = tuple(kind for kind in POLICY_KINDS if kind.kind == "PolicyException")
"""Kinds that let images past Kyverno's policies, in whichever namespace they stand."""

LISTS = {
    "main": "containers",
    "init": "initContainers",
    "sidecar": "initContainers",
    "ephemeral": "ephemeralContainers",
}


class Verifiers:
    """Policies about signatures of every engine in a snapshot, and the webhooks that lead to the engines."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._engines = Engines(snapshot)
        self._snapshot = snapshot
        self._hooks: list[tuple[str, Hook]] = [
            (record.object, hook)
            for kind in CONFIGURATIONS
            for record in snapshot.records(kind)
            for hook in hooks_of(record.content)
        ]
        self._hooks_seen = all(snapshot.coverage.answer(kind).complete for kind in CONFIGURATIONS)
        self._ratify = [
            text(record.content, "spec", "crd", "spec", "names", "kind")
            for record in self._engines.of(TEMPLATES, "ConstraintTemplate")
            if RATIFY in _signers(record)
        ]

    def rules(self, place: Place) -> Iterator[dict[str, Any]]:
        """Yield rows of `signature_rules` for one namespace."""
        rows = {}
        for engine, policy, part, way in self._parts(place):
            if part.reach != NONE:
                rows[policy, part.name, engine] = {
                    "policy": policy,
                    "part": part.name,
                    "namespace": place.name,
                    "engine": engine,
                    "reach": part.reach,
                    "action": part.action,
                    "way": way,
                    "ignores_errors": part.ignores_errors,
                    "signer": part.signer,
                    "images": " ".join(part.images),
                    "skipped": " ".join(part.skipped),
                    "lists": " ".join(part.lists),
                    "moves": part.moves,
                    "doubt": part.doubt,
                }
        yield from rows.values()

    def _parts(self, place: Place) -> Iterator[tuple[str, str, SignaturePart, str]]:
        exceptions = self._engines.exceptions
        for kind in ("ClusterPolicy", "Policy"):
            for record in self._engines.of(KYVERNO, kind):
                for part in kube.verify_image_parts(record.content, _signers(record), place, exceptions):
                    yield kube.KYVERNO, record.object, part, self._kyverno(kube.KYVERNO, record, place)
        for kind in ("ImageValidatingPolicy", "NamespacedImageValidatingPolicy"):
            for record in self._engines.of(KYVERNO_POLICIES, kind):
                for part in kube.image_validating_parts(record.content, _signers(record), place, exceptions):
                    yield kube.KYVERNO_IMAGES, record.object, part, self._kyverno(kube.KYVERNO_IMAGES, record, place)
        for record in self._engines.of(SIGSTORE, "ClusterImagePolicy"):
            part = kube.image_policy_part(record.content, _signers(record))
            yield kube.POLICY_CONTROLLER, record.object, part, self._way(kube.POLICY_CONTROLLER, place)
        for kind in ("ClusterImagePolicy", "ImagePolicy"):
            for record in self._engines.of(OPENSHIFT, kind):
                part = kube.scoped_policy_part(record.content, _signers(record), place)
                yield kube.OPENSHIFT, record.object, part, "refuses"
        yield from self._by_ratify(place)
        yield from self._unread(place)

    def _way(self, engine: str, place: Place, policy: str = "") -> str:
        """Return how new pods of a namespace come to an engine."""
        configuration, start = kube.HOOKS[engine]
        mine = [
            hook for name, hook in self._hooks if name.startswith(f"{configuration}/") and hook.name.startswith(start)
        ]
        return way_to(mine, place, complete=self._hooks_seen, policy=policy)

    def _kyverno(self, engine: str, record: Record, place: Place) -> str:
        """Return how pods come to Kyverno for one policy; what keeps it from a namespace stands in its ConfigMap."""
        way = self._way(engine, place, record.name)
        if record.kind == "NamespacedImageValidatingPolicy" and way == "not sent":
            return UNKNOWN
        away = self._engines.keeps_away(place)
        if way == "refuses" and away is None:
            return UNKNOWN
        return "not sent" if away else way

    def _by_ratify(self, place: Place) -> Iterator[tuple[str, str, SignaturePart, str]]:
        """Yield constraints that ask Ratify, whose verifiers stand in objects that are not read."""
        exempt = exempt_by_config(self._engines.configs, place)
        for group, kind in self._snapshot.kinds():
            for record in self._engines.of(group, kind) if group == CONSTRAINTS and kind in self._ratify else ():
                found = constraint_part(record.content, place)
                doubt = "which signatures Ratify takes stands in its verifiers, which are not read"
                part = SignaturePart("", found.reach, found.action, UNCLEAR, (kube.EVERYTHING,), doubt=doubt)
                yield kube.RATIFY_ENGINE, record.object, part, "not sent" if exempt else UNKNOWN
        for kind in self._ratify:
            constraints = Kind(CONSTRAINTS, kind, kind.lower(), False)
            if not self._snapshot.coverage.answer(constraints).complete:
                part = SignaturePart(
                    "", UNKNOWN, UNKNOWN, UNCLEAR, (kube.EVERYTHING,), doubt="these constraints were not seen"
                )
                yield kube.RATIFY_ENGINE, f"{kind}//*", part, UNKNOWN

    def _unread(self, place: Place) -> Iterator[tuple[str, str, SignaturePart, str]]:
        """Yield webhooks that may verify signatures by a configuration that is not read."""
        for name, hook in self._hooks:
            if kube.UNREAD.search(hook.name):
                doubt = "which images it asks, and for whose signatures, stands in a configuration that is not read"
                part = SignaturePart(
                    hook.name,
                    hook.reach(place),
                    UNKNOWN,
                    UNCLEAR,
                    (kube.EVERYTHING,),
                    ignores_errors=hook.ignores_errors,
                    doubt=doubt,
                )
                yield kube.OTHER, name, part, "ignores errors" if hook.ignores_errors else "refuses"


def _signers(record: Record) -> Mapping[str, str]:
    found: Mapping[str, str] = record.facts.get(IMAGE_SIGNERS, {})
    return found


@builds(
    SIGNATURE_RULES,
    reads=[*POLICY_KINDS, kinds.NAMESPACE],
    also=[*ENGINE_KINDS, kinds.CONFIG_MAP],
    facts=[IMAGE_SIGNERS, NAMESPACE_FILTERS],
)
def signature_rules(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Yield a row per part of a policy about signatures and namespace that it reaches."""
    verifiers = Verifiers(snapshot)
    for record in snapshot.records(kinds.NAMESPACE):
        yield from verifiers.rules(Place(record.name, string_map(record.content, "metadata", "labels")))


@builds(IMAGE_VERIFICATION)
def image_verification(
    signature_rules: pd.DataFrame, pods: pd.DataFrame, containers: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row per image of a namespace and part of a policy that asks it, or may ask it, for its signature."""
    held = containers.merge(pods[["object", "namespace"]], left_on="pod", right_on="object")
    held = held.assign(list=held["role"].map(LISTS))[["namespace", "list", "image"]].drop_duplicates()
    by_place = dict(iter(signature_rules.groupby("namespace")))
    for image in rows_of(held):
        for rule in rows_of(by_place[image["namespace"]]) if image["namespace"] in by_place else ():
            part = _part(rule)
            matched = kube.matches(rule["engine"], part.images, part.skipped, image["image"])
            if matched is False or image["list"] not in part.lists:
                continue
            standing, why = kube.standing(part, rule["way"], matched, pinned="@" in image["image"])
            named = {name: rule[name] for name in ("policy", "part", "engine")}
            yield {**image, **named, "matched": matched, "standing": standing, "why": why}


def _part(rule: Mapping[str, Any]) -> SignaturePart:
    """Return a row of `signature_rules` as the part that it was made from."""
    return SignaturePart(
        name=rule["part"],
        reach=rule["reach"],
        action=rule["action"],
        signer=rule["signer"],
        images=tuple(rule["images"].split()),
        skipped=tuple(rule["skipped"].split()),
        lists=tuple(rule["lists"].split()),
        ignores_errors=bool(rule["ignores_errors"]),
        moves=bool(rule["moves"]),
        doubt=rule["doubt"],
    )
