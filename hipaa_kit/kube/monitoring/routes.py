"""Where Alertmanager sends an alert: its tree of routes, and whether anybody stands at the end.

Source: https://prometheus.io/docs/alerting/latest/configuration/#route and dispatch/route.go of
prometheus/alertmanager: an alert enters at the root, goes to the first child that matches, and on to the next ones
where that says `continue`; where no child matches it stays with the route itself.

A configuration holds addresses, keys and names of people. What is kept of it is a form of its own: which kinds of
integration each receiver has, and the routes with their conditions. Of these the values stay where they name a
severity, an alert or a namespace, which stand in other objects as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hipaa_kit.kube.monitoring.promql import matches
from hipaa_kit.kube.reading import as_map, as_maps, as_text, as_texts

Written = tuple[str, str, str]
Form = dict[str, Any]
"""What is kept: `receivers`, name to kinds of integration, and `route` with `receiver`, `continue`, `timed`,
`matchers` (label, operator, value) and `routes`. It is plain, so that it can stand among the facts of an object."""

NAMING: Final = frozenset(["alertname", "namespace", "severity"])
"""Labels whose values are kept where they are names, or plain patterns of names."""

UNKNOWN: Final = "*unknown*"
"""Stands for a value that was not kept."""

_DEPTH: Final = 32
_NAME: Final = re.compile(r"[A-Za-z_][\w.:-]{0,127}", re.ASCII)
_WRITTEN: Final = re.compile(r'\s*"?([A-Za-z_][\w.:-]{0,127})"?\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL | re.ASCII)
_PLAIN: Final = re.compile(r"[\w.*+|()^$-]{0,512}", re.ASCII)
_BETWEEN_NAMES: Final = re.compile(r"[|()^$]")
_CONFIGS: Final = re.compile(r"([a-z0-9]{1,24})(?:_configs|Configs)", re.ASCII)
_BETWEEN_MATCHERS: Final = re.compile(r',(?=\s*"?[A-Za-z_][\w.:-]*"?\s*(?:=~|!~|!=|=))', re.ASCII)


def own_form(configuration: Any, name: Callable[[str], str]) -> Form | None:
    """Return what is kept of Alertmanager's own configuration; None where this is none.

    Parameters
    ----------
    configuration
        Its document, of any shape.
    name
        Gives the name of a receiver, or what stands for it.
    """
    if not isinstance(configuration, Mapping) or not isinstance(configuration.get("route"), Mapping):
        return None
    return {
        "receivers": _receivers(configuration.get("receivers"), name),
        "route": _route(configuration["route"], name, _own_matchers),
    }


def object_form(spec: Any, name: Callable[[str], str]) -> Form | None:
    """Return what is kept of an AlertmanagerConfig; None where it has no route."""
    route = as_map(spec, "route")
    if not route:
        return None
    receivers = _receivers(as_map(spec).get("receivers"), name)
    return {"receivers": receivers, "route": _route(route, name, _object_matchers)}


def _receivers(written: Any, name: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in as_maps(written):
        kinds = {m[1].lower() for key, held in each.items() if held and (m := _CONFIGS.fullmatch(str(key)))}
        found[name(as_text(each.get("name")))] = sorted(kinds)
    return found


def _route(
    written: Mapping[str, Any],
    name: Callable[[str], str],
    read: Callable[[Mapping[str, Any]], Iterable[Written]],
    depth: int = 0,
) -> Form:
    timed = [written.get(key) for key in written if str(key) in _TIMED]
    receiver = as_text(written.get("receiver"))
    form: Form = {
        "receiver": name(receiver) if receiver else "",
        "continue": written.get("continue") is True,
        "timed": any(timed),
        "matchers": [_kept(*each, name) for each in read(written)],
        "routes": [],
    }
    if depth < _DEPTH:
        form["routes"] = [_route(each, name, read, depth + 1) for each in as_maps(written.get("routes"))]
    return form


_TIMED: Final = frozenset(["mute_time_intervals", "active_time_intervals", "muteTimeIntervals", "activeTimeIntervals"])


def _own_matchers(route: Mapping[str, Any]) -> Iterator[Written]:
    """Yield the conditions of a route in any of their three spellings."""
    for field, operator in (("match", "="), ("match_re", "=~")):
        yield from ((str(label), operator, str(value)) for label, value in as_map(route, field).items())
    listed = route.get("matchers")
    for line in as_texts(listed) if isinstance(listed, list) else as_texts([listed]):
        for part in _BETWEEN_MATCHERS.split(line.strip().removeprefix("{").removesuffix("}")):
            read = _WRITTEN.fullmatch(part)
            yield (read[1], read[2], read[3].strip('"')) if read else ("", "=", UNKNOWN)


def _object_matchers(route: Mapping[str, Any]) -> Iterator[Written]:
    for each in as_maps(route.get("matchers")):
        operator = as_text(each.get("matchType")) or ("=~" if each.get("regex") is True else "=")
        yield as_text(each.get("name")), operator, as_text(each.get("value"))


def _kept(label: str, operator: str, value: str, name: Callable[[str], str]) -> list[str]:
    """Return a condition with what may stay of its value."""
    known = label if _NAME.fullmatch(label) else ""
    pieces = [piece for piece in _BETWEEN_NAMES.split(value) if piece not in ("", ".*", ".+")]
    stays = known in NAMING and _PLAIN.fullmatch(value) and all(name(piece) == piece for piece in pieces)
    return [known, operator, value if stays or not value else UNKNOWN]


@dataclass(frozen=True)
class Way:
    """Where an alert goes: whether somebody may hear it, whether nobody may, and the receivers it may come to."""

    heard: bool
    deaf: bool
    receivers: tuple[str, ...]
    kinds: tuple[str, ...]


def way(form: Form, labels: Mapping[str, str], *, unread: bool | None = None) -> Way:
    """Return where alerts with these labels go; what other labels they have is not known.

    Parameters
    ----------
    form
        Of the configuration.
    labels
        Labels that the alerts have; conditions on others may hold or not.
    unread
        Whether conditions hold whose value was not kept; None where they may hold or not.

    Returns
    -------
    Way
        `heard` without `deaf`: it comes to an integration whatever else it is labelled with. `deaf` without `heard`:
        it never does.
    """
    met: set[str] = set()
    outcomes = _outcomes(form["route"], labels, form["receivers"], met, unread=unread)
    kinds = {kind for name in met for kind in form["receivers"].get(name, [])}
    return Way(True in outcomes, False in outcomes, tuple(sorted(met)), tuple(sorted(kinds)))


def hangs_on_unread(form: Form, labels: Mapping[str, str]) -> bool:
    """Tell whether the kinds of integration that alerts come to hang on a condition whose value was not kept."""
    found = way(form, labels).kinds
    return any(way(form, labels, unread=holds).kinds != found for holds in (True, False))


def _outcomes(
    route: Form,
    labels: Mapping[str, str],
    receivers: Mapping[str, list[str]],
    met: set[str],
    inherited: str = "",
    *,
    unread: bool | None,
) -> set[bool]:
    """Return whether an alert that came to a route is heard, for all it may be labelled with."""
    own = route["receiver"] or inherited
    # Each state: has a child matched, and was the alert heard by one of those that did.
    states, ended = {(False, False)}, set()
    for child in route["routes"]:
        matched = _matched(child, labels, unread)
        if matched is False:
            continue
        inner = _outcomes(child, labels, receivers, met, own, unread=unread)
        after = {(True, heard or more) for _, heard in states for more in inner}
        if child["continue"]:
            states = after | (states if matched is None else set())
        else:
            ended |= {heard for _, heard in after}
            states = states if matched is None else set()
        if not states:
            break
    found = ended | {heard for matched, heard in states if matched}
    if any(not matched for matched, _ in states):
        met.add(own)
        found.add(bool(receivers.get(own)))
    return found | {False} if route["timed"] else found


def _matched(route: Form, labels: Mapping[str, str], unread: bool | None) -> bool | None:
    answers = [unread if matcher[2] == UNKNOWN else _meets(matcher, labels) for matcher in route["matchers"]]
    if False in answers:
        return False
    return None if None in answers else True


def _meets(matcher: Iterable[str], labels: Mapping[str, str]) -> bool | None:
    label, operator, value = matcher
    if label not in labels:
        return None
    return matches(operator, value, labels[label])


def joined(root: Form, others: Iterable[tuple[str, str, Form, bool]]) -> Form:
    """Return one configuration made of that of an Alertmanager and of the objects it takes, as the operator joins them.

    Parameters
    ----------
    root
        Of the Alertmanager itself.
    others
        For each object: namespace, name, form, and whether its routes are for alerts of its namespace alone.

    Notes
    -----
    Their routes stand before those of the root, each goes on to the next, and their receivers bear their names.
    Source: pkg/alertmanager/amcfg.go of prometheus-operator/prometheus-operator.
    """
    receivers, routes = dict(root["receivers"]), []
    for namespace, name, form, narrowed in others:
        prefix = f"{namespace}/{name}/"
        receivers |= {prefix + receiver: kinds for receiver, kinds in form["receivers"].items()}
        route = _prefixed(form["route"], prefix)
        only = [["namespace", "=", namespace]] if narrowed else []
        routes.append({**route, "matchers": [*route["matchers"], *only], "continue": True})
    return {"receivers": receivers, "route": {**root["route"], "routes": [*routes, *root["route"]["routes"]]}}


def _prefixed(route: Form, prefix: str) -> Form:
    name = prefix + route["receiver"] if route["receiver"] else ""
    return {**route, "receiver": name, "routes": [_prefixed(each, prefix) for each in route["routes"]]}
