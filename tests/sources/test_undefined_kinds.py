"""A kind that nothing serves has no objects, where everything that could serve it was read."""

from typing import Any

import pytest

from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import CUSTOM, custom, find_custom
from hipaa_kit.sources.builder import SnapshotBuilder
from hipaa_kit.sources.pseudonyms import DEMO_KEY, Pseudonymizer
from hipaa_kit.vocabulary import ABSENT, ANSWERED, NOT_ASKED, PARTIAL, REFUSED

SCHEDULE = custom("velero.io", "Schedule")


def status_of(*names: tuple[str, str], definitions: str = ANSWERED, services: str = ANSWERED) -> str:
    """The status of Velero's schedules where these objects of the two kinds that serve others are there."""
    builder = SnapshotBuilder("dump", Pseudonymizer(DEMO_KEY))
    for kind, status in ((kinds.CUSTOM_RESOURCE_DEFINITION, definitions), (kinds.API_SERVICE, services)):
        builder.cover(group=kind.group, kind=kind.kind, resource=kind.resource, status=status, count=0)
    for number, (kind, name) in enumerate(names):
        group = {"CustomResourceDefinition": "apiextensions.k8s.io", "APIService": "apiregistration.k8s.io"}[kind]
        content: dict[str, Any] = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}}
        builder.add(content, "objects.yaml", f":{number}")
    return builder.build().coverage.answer(SCHEDULE).status


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ([], ABSENT),
        ([("CustomResourceDefinition", "backups.velero.io")], ABSENT),
        ([("CustomResourceDefinition", "backups.velero.io"), ("APIService", "v1.velero.io")], ABSENT),
        ([("CustomResourceDefinition", "schedules.velero.io")], NOT_ASKED),
        ([("APIService", "v1.velero.io")], NOT_ASKED),
        ([("CustomResourceDefinition", "schedules.velero.io.example")], ABSENT),
    ],
)
def test_a_kind_that_nothing_serves_is_absent(names: list[tuple[str, str]], status: str) -> None:
    assert status_of(*names) == status


@pytest.mark.parametrize("status", [PARTIAL, REFUSED])
def test_what_was_not_read_whole_shows_nothing_absent(status: str) -> None:
    assert status_of(definitions=status) == NOT_ASKED
    assert status_of(services=status) == NOT_ASKED


def test_custom_kinds_stand_once_and_are_not_built_in() -> None:
    names = [(kind.group, kind.kind) for kind in CUSTOM]
    assert len(set(names)) == len(names)
    assert not [name for name in names if kinds.find(*name)]
    assert find_custom("velero.io", "Schedules") is None
