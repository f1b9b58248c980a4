"""Everything that can go wrong between a client and an API server, drawn by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hipaa_kit.kube.kinds import Kind
from tests.support.recorded_cluster import Fault, RecordedCluster

SLOW_SECONDS = 0.6
"""Longer than any request of these tests may take."""

Edit = Callable[[Any], Any]


class Faults:
    """Draws faults of one run.

    Parameters
    ----------
    seed
        The same seed draws the same faults.
    kinds
        Kinds that the cluster serves.
    token_file
        Where the client reads its token: a token that is replaced is written there, or is not.
    """

    def __init__(self, seed: int, kinds: list[Kind], token_file: Path) -> None:
        self.random = random.Random(seed)
        self.kinds, self.token_file = kinds, token_file
        self.menu = (
            *(self.busy,) * 3,
            *(self.broken,) * 4,
            *(self.slow,) * 1,
            *(self.odd,) * 5,
            *(self.expired,) * 3,
            *(self.changed,) * 3,
            *(self.refused,) * 2,
            *(self.not_found,) * 2,
            *(self.logged_out,) * 2,
            self.withdrawn,
        )

    def draw(self) -> list[Fault]:
        """Return the faults of the run; some runs have none."""
        return [self.random.choice(self.menu)() for _ in range(self.random.choice([0, 1, 2, 3, 4, 5, 8, 12]))]

    def where(self) -> str:
        """Return what requests are hit: lists, later pages, discovery, or any."""
        kind = self.random.choice(self.kinds)
        group = f"^/apis/{kind.group}/v1$" if kind.group else "^/api/v1$"
        places = [rf"/{kind.resource}\?", rf"/{kind.resource}\?.*continue", rf"/namespaces/\w+/{kind.resource}\?"]
        return self.random.choice([*places * 3, group, "^/apis?$", "^/version$", "kube-system$", "."])

    def fault(self, often: tuple[int, ...] = (1, 1, 2, 4, 99), match: str = "", **how: Any) -> Fault:
        """Return a fault somewhere, now or later, once or for good."""
        times, after = self.random.choice(often), self.random.choice([0, 0, 0, 1, 2])
        return Fault(match or self.where(), times=times, after=after, **how)

    def busy(self) -> Fault:
        """Too much to do, with or without a word about when to come again."""
        named = self.random.choice(
            [None, None, "0", "1", "7", "3600", "soon", "9" * 30, "Wed, 21 Oct 2015 07:28:00 GMT", "-1"]
        )
        headers = {} if named is None else {"Retry-After": named}
        return self.fault(status=self.random.choice([429, 429, 500, 502, 503, 503, 504]), headers=headers)

    def broken(self) -> Fault:
        """A connection that ends early, or a body that does."""
        how = ["truncate"], ["reset"], ["garbage"], ["chunked"], ["chunked", "truncate"]
        return self.fault(**dict.fromkeys(self.random.choice(how), True))

    def slow(self) -> Fault:
        """An answer that begins too late, or comes byte by byte."""
        how = self.random.choice([{"delay": SLOW_SECONDS}, {"trickle": 0.02}])
        return self.fault((1, 1, 1, 2), **how)

    def odd(self) -> Fault:
        """An answer of a wrong form."""
        edits: list[Edit] = [
            lambda content: None,
            lambda content: [content],
            lambda content: "no object",
            lambda content: {**content, "metadata": None},
            lambda content: {**content, "metadata": {"continue": 17, "resourceVersion": "4711"}},
            lambda content: {**content, "metadata": {**_metadata(content), "resourceVersion": 4711}},
            lambda content: {**content, "metadata": {**_metadata(content), "continue": "again and again"}},
            lambda content: {**content, "items": content.get("items") or None},
            lambda content: {**content, "items": {"0": "pod"}},
            lambda content: {name: value for name, value in content.items() if name not in ("items", "resources")},
            lambda content: {**content, "resources": None} if not content.get("resources") else content,
            lambda content: {**content, "resources": "many"},
            lambda content: {**content, "groups": [17, *content.get("groups", [])]},
            *(self.odd_item(junk) for junk in (None, "text", 7, [], {}, {"metadata": {"name": ""}})),
            self.odd_item({"metadata": "none"}),
            self.odd_item({"metadata": {"name": ["a"], "namespace": "ehr"}}),
            self.odd_item({"metadata": {"name": "x", "namespace": "nowhere"}, "kind": "Impostor"}),
        ]
        return self.fault(edit=self.random.choice(edits))

    def odd_item(self, junk: Any) -> Edit:
        """Return what puts something else in the place of one item of a list."""
        position = self.random.random()

        def edit(content: Any) -> Any:
            named = isinstance(junk, dict) and junk.get("kind")
            if not content.get("items") or (named and content["kind"] == "APIGroupDiscoveryList"):
                return content  # a group in the place of another would be a lie, and no wrong form
            items = list(content["items"])
            items[int(position * len(items))] = junk
            return {**content, "items": items}

        return edit

    def expired(self) -> Fault:
        """A list that cannot be continued: with an honest server, or one that says so for no reason."""
        kind = self.random.choice(self.kinds)
        match = rf"/{kind.resource}\?.*continue"
        if self.random.random() < 0.4:
            return self.fault((1, 2, 3), match, status=410)
        return self.fault((1, 2, 3), match, act=lambda cluster: (self.alter(cluster, kind), cluster.compact()))

    def changed(self) -> Fault:
        """Objects come, go and change while their list is read; a bad server shows it between pages."""
        kind = self.random.choice(self.kinds)
        match = rf"/{kind.resource}\?.*continue"
        if self.random.random() < 0.3:
            return self.fault((1, 2, 99), match, edit=_another_version)
        return self.fault(match=self.random.choice([match, "."]), act=lambda cluster: self.alter(cluster, kind))

    def alter(self, cluster: RecordedCluster, kind: Kind) -> None:
        """Let an object go, come or change."""
        key = (kind.group, kind.resource)
        held = list(cluster.objects.get(key, []))
        if held and self.random.random() < 0.7:
            old = held.pop(self.random.randrange(len(held)))
            if self.random.random() < 0.5:
                held.append({**old, "metadata": {**old["metadata"], "generation": self.random.randrange(10**6)}})
        else:
            place = {"namespace": self.random.choice(["ehr", "lab"])} if kind.namespaced else {}
            name = f"new-{self.random.randrange(10**6)}"
            version = f"{kind.group}/v1" if kind.group else "v1"
            held.append({"apiVersion": version, "kind": kind.kind, "metadata": {"name": name, **place}})
        if kind.resource != "namespaces":  # the namespaces are what the truth is told by
            cluster.change(key, held)

    def refused(self) -> Fault:
        """A right that was never there, or is taken away half-way."""
        kind = self.random.choice(self.kinds)
        if self.random.random() < 0.5:
            return self.fault(status=403, message="forbidden for the test")
        only = self.random.choice([None, "ehr"])

        def refuse(cluster: RecordedCluster) -> None:
            cluster.deny = lambda resource, namespace: resource == kind.resource and namespace != only

        return self.fault((1,), ".", act=refuse)

    def not_found(self) -> Fault:
        """A list, or part of discovery, that is not found although it is there."""
        return self.fault(status=404, message="the server could not find the requested resource")

    def logged_out(self) -> Fault:
        """A token that is no longer accepted, now and then or for good, replaced in its file or not."""
        if self.random.random() < 0.4:
            return self.fault(status=401, message="Unauthorized")
        replaced = self.random.random() < 0.7

        def rotate(cluster: RecordedCluster) -> None:
            cluster.token = f"token-{self.random.randrange(10**6)}"
            if replaced:
                self.token_file.write_text(cluster.token)

        return self.fault((1, 2), ".", act=rotate)

    def withdrawn(self) -> Fault:
        """A kind that is not served any more."""
        custom = next(kind for kind in self.kinds if kind.group == "example.com")
        return self.fault((1,), ".", act=lambda cluster: cluster.withdraw((custom.group, custom.resource)))


def _metadata(content: Any) -> dict[str, Any]:
    return dict(content.get("metadata") or {})


def _another_version(content: Any) -> Any:
    return {**content, "metadata": {**_metadata(content), "resourceVersion": "9999"}}
