"""Sight: whether a detection could have seen what it looks for, under this policy, this provider and in this log.

Nothing found is worth something only where something would have been found. What the policy drops, what the provider
leaves out, levels that the log itself shows, and identities that a rule passes over each take sight away; that none of
them does is shown by the audit policy alone, so without it no detection sees everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import pandas as pd

from hipaa_kit.catalogue.probes import AuditProbe, load_audit_probes
from hipaa_kit.graph.detections.site import Site
from hipaa_kit.inventory.audit import POLICIES, REQUESTERS, lacking_policies, named, policies
from hipaa_kit.inventory.audit_log.completeness import GAP_MINUTES, without_log
from hipaa_kit.inventory.audit_log.requests import TELLING
from hipaa_kit.kube.audit.asked import requests, shapes, without_body
from hipaa_kit.kube.audit.conditions import AllOf, AnyOf, Condition, Known, leaves, normal
from hipaa_kit.kube.audit.detections import DETECTIONS, ITSELF, OWN, WORKLOADS, WRITTEN, parts
from hipaa_kit.kube.audit.policy import LEVELS, Policy, Request, at_least
from hipaa_kit.sources.audit_log.asking import Log, ask
from hipaa_kit.tables.declaration import rows_by, rows_of
from hipaa_kit.tables.lookup import TableSet

READS: Final = ("get", "list", "watch")
READ_BLIND: Final = frozenset(["LOG-06", "LOG-07", "LOG-08"])
READ_PARTLY: Final = frozenset(
    "LOG-01 LOG-02 LOG-03 LOG-04 LOG-11 LOG-17 LOG-20 LOG-21 LOG-22 LOG-23 LOG-26 LOG-31".split()
)
"""Detections that lose everything, and some of it, where the log holds no reads; exec by WebSocket is a `get`."""

LIKE: Final = {"LOG-30": ("LOG-17", "LOG-26", "LOG-28"), "LOG-31": ("LOG-17", "LOG-07")}
"""Detections whose requests are those of others: what blinds these blinds them."""

WITH_PODS: Final = frozenset(
    "pods replicationcontrollers podtemplates deployments daemonsets statefulsets replicasets jobs cronjobs".split()
)
BY_PATCH: Final = {
    "LOG-15": WITH_PODS,
    "LOG-18": WITH_PODS | {"persistentvolumeclaims", "restores"},
    "LOG-25": frozenset(["services", "ingresses"]),
}
"""Resources whose patches a detection has to see as the objects that came of them: at RequestResponse."""

ASKED_BY: Final = {"LOG-01": ("person", "anonymous", "nobody"), "LOG-02": ("anonymous",)}
"""Who makes the requests that a detection is about, where it is not a person: a policy may tell them apart."""

WRITTEN_TO: Final[Mapping[str, Condition]] = {"LOG-27": WORKLOADS & WRITTEN & ITSELF}
"""What a detection is about whose condition does not say for which resources."""

LEVELS_OF: Final = f"""
    SELECT CASE subresource WHEN '' THEN resource ELSE resource || '/' || subresource END AS resource, level
    FROM audit_events WHERE {TELLING}
"""  # noqa: S608

SEES, PARTLY, BLIND = "sees", "partly", "blind"
Loss = tuple[str, str]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """What a log holds: levels by resource, its windows, and what breaks them."""

    levels: pd.DataFrame
    windows: pd.DataFrame
    gaps: pd.DataFrame

    @classmethod
    def of(cls, tables: TableSet) -> Held:
        """Take it from the tables that tell how complete a log is; a deletion tells everything at the lowest level."""
        levels, windows = tables["audit_levels"], tables["audit_windows"]
        told = levels[(levels["resource"] != "") & (levels["kind"] != "delete")]
        return cls(told, windows, tables["audit_gaps"])

    @cached_property
    def by_resource(self) -> dict[tuple[str, str, str, bool], list[tuple[str, str]]]:
        """Lowest and highest levels seen, by API group, resource, subresource, and whether requests were reads."""
        found = defaultdict(list)
        for row in rows_of(self.levels):
            key = (row["api_group"], row["resource"], row["subresource"], row["kind"] == "read")
            found[key].append((row["least"], row["most"]))
        return dict(found)

    @cached_property
    def reads(self) -> bool:
        """Tell whether any read of an object is in it."""
        return bool((self.levels["kind"] == "read").any())

    @cached_property
    def patched_untold(self) -> frozenset[str]:
        """Resources of which it holds patches without the objects that came of them."""
        patched = self.levels[(self.levels["kind"] == "patch") & (self.levels["subresource"] == "")]
        return frozenset(patched.loc[patched["least"] != "RequestResponse", "resource"])

    @cached_property
    def servers(self) -> pd.DataFrame:
        """Windows of API servers that keep their logs themselves: each has to cover the same time.

        A provider's streams come and go with the servers behind them, and are one log together.
        """
        own = self.windows[(self.windows["log"] == "kube-apiserver") & (self.windows["first_at"] != "")]
        own = own[own["delivery"].isin(["file", "webhook"])]
        return own.groupby("server", as_index=False).agg(first_at=("first_at", "min"), last_at=("last_at", "max"))

    @property
    def covered(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """First and last moment, UTC, of the time that the logs of all API servers cover; None where there is none."""
        if self.servers.empty:
            return self.span
        first, last = (_moment(each) for each in (self.servers["first_at"].max(), self.servers["last_at"].min()))
        return (first, last) if first <= last else None

    @property
    def span(self) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """First and last moment of any event, UTC; None where no event tells one."""
        dated = self.windows[self.windows["first_at"] != ""]
        if dated.empty:
            return None
        return _moment(dated["first_at"].min()), _moment(dated["last_at"].max())


@cache
def probes_of(detection: str) -> tuple[AuditProbe, ...]:
    """Return the probe requests that a detection needs to be recorded."""
    names = LIKE.get(detection, (detection,))
    return tuple(
        probe
        for probe in load_audit_probes()
        if any(name in (*probe.blind.split(), *probe.blind_below_metadata.split()) for name in names)
    )


def sights(
    tables: Mapping[str, pd.DataFrame], held: Held, site: Site, workforce: bool, told: pd.DataFrame
) -> Iterator[dict[str, Any]]:
    """Yield a row of table `detection_sight` per detection that reads the log.

    Parameters
    ----------
    tables
        audit_sources, audit_probes, audit_policy_states, audit_silences, audit_backends, control_plane_members,
        pod_admission, and the three of audit policies.
    held
        What the log holds.
    site
        What the site says.
    workforce
        Whether the workforce was given.
    told
        What `levels_told` returns of the log.
    """
    gap = "; ".join(_gaps(tables, held))
    span = held.covered
    window = f"from {_shown(span[0])} to {_shown(span[1])}" if span else ""
    general = [*_of_the_policy_as_a_whole(tables)]
    ruled = [policy for _, policy in policies(*(tables[name] for name in POLICIES))]
    places = {str(each): frozenset(found["first"]) for each, found in site.places.groupby("list")}
    probed, levels = rows_by(tables["audit_probes"], "probe"), rows_by(told, "detection")
    for name in dict.fromkeys(each.id for each in DETECTIONS):
        losses = [*general, *_by_policy(name, probed, ruled, places), *_by_provider(name, tables, held)]
        losses += _by_level(name, held, levels.get(name, []))
        losses += _by_site(name, held, site, workforce)
        if name == "LOG-27":
            losses += _by_pod_security(tables["pod_admission"], site)
        states = [state for state, _ in losses]
        yield {
            "detection": name,
            "state": BLIND if BLIND in states else PARTLY if PARTLY in states else SEES,
            "why": "; ".join(dict.fromkeys(why for _, why in losses)),
            "minimal_level": _level_of(name),
            "window": window,
            "days": (span[1] - span[0]).total_seconds() / 86400 if span else None,
            "events": int(held.windows["events"].sum()),
            "gap": gap,
        }


def _moment(word: str) -> pd.Timestamp:
    return pd.Timestamp(word).tz_localize(None)


def _shown(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_the_policy_as_a_whole(tables: Mapping[str, pd.DataFrame]) -> Iterator[Loss]:
    states = tables["audit_policy_states"]
    if states.empty:
        yield PARTLY, "the audit policy was not given: what it leaves out is not known"
        return
    if lacking := lacking_policies(states["object"], tables["control_plane_members"]):
        yield PARTLY, f"API servers whose audit policy was not given: {len(lacking)}"
    if (states["refused"] != "").any():
        yield PARTLY, "an API server would refuse the audit policy that was given: another one is in use"
    silences = tables["audit_silences"]
    if len(silences):
        whose = sorted(set(silences["identities"]))
        yield PARTLY, f"the audit policy records nothing of some requests of {_listed(whose)}"


def _by_policy(
    name: str, probed: Mapping[str, Sequence[Row]], ruled: Sequence[Policy], places: Mapping[str, frozenset[str]]
) -> Iterator[Loss]:
    """Yield what the policies take from a detection.

    That is everything where none of the requests that its condition can hold of is recorded, or none as it needs, and
    its probes neither. A request that is recorded at all shows in the log, with its level.
    """
    mine = [(row, probe) for probe in probes_of(name) for row in probed.get(probe.probe, ())]
    below = [row for row, probe in mine if _below(row, probe, name)]
    asked = [(*each, policy.record(each[0]).told) for policy in ruled for each in _requests(name, policy, places)]
    silent = [each for each, _, level in asked if level == "None"]
    shown = any(at_least(level, needed) for _, needed, level in asked)
    if not below and not silent:
        return
    words = {f"{row['request']} at {row['level']}" for row in below}
    words |= {f"{each.verb} {named(each._replace(name=''))} at None" for each in silent}
    every = (len(below) == len(mine) > 0 and not shown) or len(silent) == len(asked) > 0
    yield BLIND if every else PARTLY, f"the audit policy records {_listed(sorted(words))}"


def _requests(name: str, policy: Policy, places: Mapping[str, frozenset[str]]) -> Iterator[tuple[Request, str]]:
    """Yield what a policy has to record of for a detection, with the level that shows it.

    A request that could not be authenticated is one of no user, and what it asks for is the same.
    """
    for part in parts(name):
        for shape in shapes(part.where & WRITTEN_TO.get(name, AllOf(())), places):
            for requester in ASKED_BY.get(name, ("person",)):
                for each in requests(shape, policy, *REQUESTERS[requester]):
                    yield each, part.level


def _below(row: Row, probe: AuditProbe, name: str) -> bool:
    """Tell whether a request is recorded at less than a detection needs."""
    return not at_least(str(row["level"]), _needed(name, probe))


def _level_of(name: str) -> str:
    """Return the least level at which all parts of a detection show."""
    return max((each.level for each in parts(name)), key=LEVELS.index)


def _needed(name: str, probe: AuditProbe) -> str:
    """Return the level at which a detection sees the request of a probe: its own, where a review needs more."""
    return min(_level_of(name), probe.minimum, key=LEVELS.index) if name in probe.blind.split() else "Metadata"


def _by_provider(name: str, tables: Mapping[str, pd.DataFrame], held: Held) -> Iterator[Loss]:
    states = set(tables["audit_backends"]["state"])
    if name not in READ_BLIND | READ_PARTLY:
        return
    lost = BLIND if name in READ_BLIND else PARTLY
    if "no_reads" in states:
        yield lost, "the provider leaves every get and list out of this log"
    elif not held.reads:
        yield lost, "the log holds no get, list or watch of anything"
    elif "reads_unknown" in states:
        yield PARTLY, "the provider records reads only of what Data Access logs are enabled for"


def _by_level(name: str, held: Held, told: Sequence[Row]) -> Iterator[Loss]:
    """Yield what the levels of the log's own events take.

    These are events of the same resources as the detection's probes, and all that its condition could hold of if it
    were known what was written.
    """
    below, above = set(), False
    for probe in probes_of(name):
        needed = _needed(name, probe)
        key = (probe.group, probe.resource, probe.subresource, probe.verb in READS)
        for least, most in held.by_resource.get(key, ()):
            if not least:
                below.add(f"{_resource(probe)} without a level")
            elif not at_least(least, needed):
                below.add(f"{_resource(probe)} at {least}, not {needed}")
            above |= bool(most) and at_least(most, needed)
    for row in told:
        above |= row["enough"]
        if not row["enough"]:
            words = f"at {row['level']}, not {row['needed']}" if row["level"] else "without a level"
            below.add(f"{row['resource']} {words}")
    if below:
        yield PARTLY if above else BLIND, f"the log holds requests for {_listed(sorted(below))}"
    if untold := held.patched_untold.intersection(BY_PATCH.get(name, ())):
        yield PARTLY, f"the log holds patches of {_listed(sorted(untold))} without the objects that came of them"


def levels_told(log: Log, site: Site) -> pd.DataFrame:
    """Return at which levels a log holds the requests that detections could only judge by their bodies.

    Returns
    -------
    detection, resource, level, needed, enough: a row per detection, resource and level
    """
    found = []
    for part in DETECTIONS:
        where = without_body(part.where) if part.level != "Metadata" else None
        if where is None:
            continue
        # What the control plane itself writes follows from what somebody else wrote.
        others = f"{site.writer.where(where)} AND NOT {site.writer.where(OWN)}"
        seen = ask(log, f"{LEVELS_OF} AND {others} GROUP BY ALL ORDER BY ALL", site.frames)
        for row in rows_of(seen):
            level = row["level"] if row["level"] in LEVELS else ""
            enough = bool(level) and at_least(level, part.level)
            found.append((part.id, row["resource"], level, part.level, enough))
    return pd.DataFrame(found, columns=["detection", "resource", "level", "needed", "enough"])


def _resource(probe: AuditProbe) -> str:
    return f"{probe.resource}/{probe.subresource}" if probe.subresource else probe.resource


def _by_site(name: str, held: Held, site: Site, workforce: bool) -> Iterator[Loss]:
    """Yield what is not seen for want of what only the site can say."""
    if not (site.places["list"] == "ephi_namespaces").any():
        wheres = [normal(each.where) for each in parts(name)]
        if any(_of_ephi(leaf) for where in wheres for leaf in leaves(where)):
            able = any(_without_ephi(where) for where in wheres)
            yield PARTLY if able else BLIND, "no namespace with ePHI is known"
    if name == "LOG-16" and not (site.places["list"] == "logging_namespaces").any():
        yield PARTLY, "in which namespaces logs are kept is not known"
    if name == "LOG-17" and not site.calendar:
        yield PARTLY, "no time zone is set, so business hours are not known"
    if name == "LOG-22":
        if not site.lists.get("break_glass_bindings"):
            yield BLIND, "no role binding is marked as emergency access"
        elif not held.windows["reasons"].fillna(False).all():
            yield BLIND, "events do not say by which role binding a request was allowed"
    if name == "LOG-23" and not workforce:
        yield PARTLY, "who has left is not known: no workforce was given"


def _by_pod_security(admission: pd.DataFrame, site: Site) -> Iterator[Loss]:
    """Yield in which namespaces what Pod Security objects to is neither noted nor refused: no level asks for anything.

    What it is told to spare is noted as such.

    Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
    """
    asking = admission[["enforce", "audit"]].isin(["baseline", "restricted"]).any(axis=1)
    noting = set(admission.loc[asking | (admission["basis"] == "exempt"), "name"])
    ephi = set(site.places.loc[site.places["list"] == "ephi_namespaces", "first"])
    if silent := sorted(ephi - noting):
        yield PARTLY, f"no level of Pod Security is set to be noted in the log for {_listed(silent)}"


def _of_ephi(leaf: Condition) -> bool:
    return isinstance(leaf, Known) and leaf.name.startswith("ephi_")


def _without_ephi(where: Condition) -> bool:
    """Tell whether an event can meet a normal condition where nothing is known to hold ePHI."""
    match where:
        case AllOf(inner):
            return all(map(_without_ephi, inner))
        case AnyOf(inner):
            return any(map(_without_ephi, inner))
    return not _of_ephi(where)


def _gaps(tables: Mapping[str, pd.DataFrame], held: Held) -> Iterator[str]:
    """Yield why the log does not cover its own window."""
    sources, windows = tables["audit_sources"], held.windows
    if windows.empty:
        yield "it holds no event"
    if unread := int(sources["unread"].fillna(0).sum()):
        yield f"lines that could not be read: {unread}"
    if unanswered := int(windows["unanswered"].fillna(0).sum()):
        yield f"requests whose answer is not there: {unanswered}"
    if uncoded := int(windows["uncoded"].fillna(0).sum()):
        yield f"answers without a status: {uncoded}"
    if (sources["truncated"] & (sources["delivery"] != "file")).any():
        yield "an export says that there is more"
    if len(held.gaps):
        yield f"gaps: {len(held.gaps)}, the longest of {held.gaps['minutes'].max():.0f} minutes"
    ends = held.servers["last_at"].map(_moment)
    if stopped := int(((ends.max() - ends) > pd.Timedelta(minutes=GAP_MINUTES)).sum()) if len(ends) else 0:
        yield f"logs of API servers that end more than {GAP_MINUTES} minutes before the last one: {stopped}"
    if len(ends) and held.covered is None:
        yield "there is no time of which it is of all API servers"
    members = tables["control_plane_members"]
    servers = members[members["component"] == "kube-apiserver"].drop_duplicates("pod")
    own = windows[windows["log"] == "kube-apiserver"]
    if own.empty and len(windows):
        yield "nothing of it is of a kube-apiserver"
    if own.empty:
        return
    if lacking := sum(without_log([*servers["node"]], [*own["server"]])):
        # Logs that name no server are each of one, nobody knows of which.
        seen = len(servers) - lacking or own["server"].nunique()
        yield f"it is of {seen} of {len(servers)} API servers"
    # A managed control plane is no pod, and its provider delivers the log of all of its servers as one.
    if servers.empty and own["delivery"].isin(["file", "webhook"]).any():
        yield "how many API servers there are is not known"


def _listed(words: list[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
