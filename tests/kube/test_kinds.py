"""The table of kinds says what the API serves."""

import re
from pathlib import Path

import kubernetes.client
import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.kube.kinds import BUILT_IN, Kind

CLIENT = Path(kubernetes.client.__file__).parent / "api"
FROM_CUSTOM_RESOURCES = {"policy.networking.k8s.io", "snapshot.storage.k8s.io"}
REMOVED = {
    ("networking.k8s.io", "ClusterCIDR"),
    ("policy", "PodSecurityPolicy"),
    ("resource.k8s.io", "PodScheduling"),
    ("resource.k8s.io", "PodSchedulingContext"),
    ("resource.k8s.io", "ResourceClaimParameters"),
    ("resource.k8s.io", "ResourceClass"),
    ("resource.k8s.io", "ResourceClassParameters"),
}
VERSION = re.compile(r"(?:[A-Z][a-z]+V\d|V\d(?:(?:alpha|beta)\d)?)(?=[A-Z])")


def kinds_of_the_client() -> set[Kind]:
    """Return every kind that the official client can list, read from its own source."""
    found = set()
    for path in CLIENT.glob("*_v*_api.py"):
        text = path.read_text(encoding="utf-8")
        for name, body in re.findall(r"\n    def _(list_\w+)_serialize\((.*?)(?=\n    def )", text, re.DOTALL):
            place = re.search(r"resource_path='([^']+)'", body)[1].strip("/").split("/")
            answer = re.search(rf"def {name}\(.*?'200': \"(\w+)List\"", text, re.DOTALL)[1]
            group = "" if place[0] == "api" else place[1]
            found.add(Kind(group, VERSION.sub("", answer, count=1), place[-1], "_namespaced_" in name))
    # A namespaced kind is also listed over all namespaces, by a method of another name.
    namespaced = {(kind.group, kind.kind) for kind in found if kind.namespaced}
    return {kind for kind in found if kind.namespaced or (kind.group, kind.kind) not in namespaced}


def test_every_kind_of_the_official_client_is_known() -> None:
    served = {kind for kind in kinds_of_the_client() if kinds.canonical_group(*kind[:2]) == kind[:2]}
    assert len(served) > 70
    known = {k for k in BUILT_IN if k.group not in FROM_CUSTOM_RESOURCES and (k.group, k.kind) not in REMOVED}
    assert known == served


def test_no_kind_stands_twice() -> None:
    assert len({(kind.group, kind.kind) for kind in BUILT_IN}) == len(BUILT_IN)
    assert len({(kind.group, kind.resource) for kind in BUILT_IN}) == len(BUILT_IN)


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: f"{kind.resource}.{kind.group}")
def test_a_kind_is_found_by_its_name_and_by_its_resource(kind: Kind) -> None:
    assert kinds.find(kind.group, kind.kind) is kind
    assert kinds.find_resource(kind.group, kind.resource) is kind


def test_what_is_not_built_in_is_not_found() -> None:
    assert kinds.find("apps", "Pod") is None
    assert kinds.find_resource("serving.knative.dev", "services") is None


def test_named_constants_are_the_kinds_they_say() -> None:
    named = {name: value for name, value in vars(kinds).items() if isinstance(value, Kind)}
    assert len(named) > 25
    for name, kind in named.items():
        assert name == re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.kind).upper()


@pytest.mark.parametrize(
    ("version", "group"),
    [("v1", ""), ("apps/v1", "apps"), ("rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"), ("", "")],
)
def test_group_of_an_api_version(version: str, group: str) -> None:
    assert kinds.group_of(version) == group


@pytest.mark.parametrize(
    ("group", "kind", "today"),
    [
        ("extensions", "Deployment", "apps"),
        ("extensions", "DaemonSet", "apps"),
        ("extensions", "ReplicaSet", "apps"),
        ("extensions", "Ingress", "networking.k8s.io"),
        ("extensions", "NetworkPolicy", "networking.k8s.io"),
        ("extensions", "PodSecurityPolicy", "policy"),
        ("events.k8s.io", "Event", ""),
        ("apps", "Deployment", "apps"),
        ("networking.istio.io", "Gateway", "networking.istio.io"),
        ("apps.kruise.io", "StatefulSet", "apps.kruise.io"),
    ],
)
def test_legacy_groups_become_todays(group: str, kind: str, today: str) -> None:
    assert kinds.canonical_group(group, kind) == (today, kind)


def test_every_moved_kind_is_known_where_it_moved_to() -> None:
    for group, kind in kinds._MOVED:
        assert kinds.find(*kinds.canonical_group(group, kind)) is not None
