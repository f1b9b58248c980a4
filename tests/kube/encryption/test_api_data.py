"""What an EncryptionConfiguration makes of a resource: the first that names it counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_kit.kube.encryption.api_data import (
    IDENTITY,
    Entry,
    Provider,
    effective_provider,
    stored_prefix,
    strength,
)

BOX, CBC, GCM = Provider("secretbox"), Provider("aescbc"), Provider("aesgcm")
KMS1, KMS2 = Provider("kms", "vault", "v1"), Provider("kms", "vault", "v2")


@pytest.mark.parametrize(
    ("entries", "resource", "group", "expected", "entry"),
    [
        ([Entry(("secrets",), (BOX, IDENTITY))], "secrets", "", BOX, 0),
        ([Entry(("secrets",), (IDENTITY, BOX))], "secrets", "", IDENTITY, 0),
        ([Entry(("secrets",), (BOX,))], "configmaps", "", IDENTITY, -1),
        ([Entry(("secrets",), ())], "secrets", "", IDENTITY, 0),
        ([], "secrets", "", IDENTITY, -1),
        # Two entries for one resource: the providers of the first come first.
        ([Entry(("secrets",), (CBC,)), Entry(("secrets",), (BOX,))], "secrets", "", CBC, 0),
        # `*.` is the core group alone, `*.apps` one group, `*.*` everything.
        ([Entry(("*.",), (BOX,))], "secrets", "", BOX, 0),
        ([Entry(("*.",), (BOX,))], "deployments", "apps", IDENTITY, -1),
        ([Entry(("*.apps",), (BOX,))], "deployments", "apps", BOX, 0),
        ([Entry(("*.apps",), (BOX,))], "secrets", "", IDENTITY, -1),
        ([Entry(("*.*",), (BOX,))], "pandas", "awesome.bears.example", BOX, 0),
        # The example of the reference: events stay plain although everything is encrypted.
        ([Entry(("events",), (IDENTITY,)), Entry(("*.*",), (BOX,))], "events", "", IDENTITY, 0),
        ([Entry(("events",), (IDENTITY,)), Entry(("*.*",), (BOX,))], "secrets", "", BOX, 1),
        ([Entry(("secrets", "*.apps"), (CBC,)), Entry(("*.*",), (BOX,))], "configmaps", "", BOX, 1),
        # A group is part of the name: `secrets` of another group is not the core's.
        ([Entry(("secrets.example.org",), (BOX,))], "secrets", "", IDENTITY, -1),
        ([Entry(("secrets.example.org",), (BOX,))], "secrets", "example.org", BOX, 0),
    ],
)
def test_the_first_entry_that_names_a_resource_writes_it(
    entries: list[Entry], resource: str, group: str, expected: Provider, entry: int
) -> None:
    found = effective_provider(entries, resource, group)
    assert (found.provider, found.entry, found.refused) == (expected, entry, "")


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        ("*.", "secrets", "secrets stands after *., which covers it"),
        ("*.*", "secrets", "secrets stands after *.*, which covers it"),
        ("*.*", "*.apps", "*.apps stands after *.*, which covers it"),
        ("*.apps", "deployments.apps", "deployments.apps stands after *.apps, which covers it"),
        ("*.apps", "secrets", ""),
        ("secrets", "*.", ""),
    ],
)
def test_a_name_after_its_wildcard_is_refused(first: str, second: str, refused: str) -> None:
    for entries in ([Entry((first,), (BOX,)), Entry((second,), (CBC,))], [Entry((first, second), (BOX,))]):
        assert effective_provider(entries, "secrets").refused == refused


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (IDENTITY, "none"),
        (CBC, "weak"),
        (GCM, "rotate"),
        (BOX, "strong"),
        (KMS1, "weak"),
        (Provider("kms", "vault"), "weak"),
        (KMS2, "strong"),
    ],
)
def test_strength_of_a_provider(provider: Provider, expected: str) -> None:
    assert strength(provider)[0] == expected


@pytest.mark.parametrize(
    ("provider", "key", "expected"),
    [
        (IDENTITY, "", ""),
        (BOX, "key1", "k8s:enc:secretbox:v1:key1:"),
        (CBC, "", "k8s:enc:aescbc:v1:"),
        (KMS1, "", "k8s:enc:kms:v1:vault:"),
        (KMS2, "ignored", "k8s:enc:kms:v2:vault:"),
    ],
)
def test_a_stored_value_begins_with_its_provider(provider: Provider, key: str, expected: str) -> None:
    assert stored_prefix(provider, key) == expected


ENTRIES = st.lists(
    st.builds(
        Entry,
        st.lists(st.sampled_from(["secrets", "configmaps", "*.", "*.apps", "*.*", "events"]), max_size=3).map(tuple),
        st.lists(st.sampled_from([IDENTITY, BOX, CBC, GCM]), min_size=1, max_size=3).map(tuple),
    ),
    max_size=4,
)


@given(ENTRIES, ENTRIES)
def test_what_follows_an_exact_name_never_changes_its_provider(before: list[Entry], after: list[Entry]) -> None:
    named = [*before, Entry(("secrets",), (BOX,))]
    assert effective_provider(named, "secrets").provider == effective_provider([*named, *after], "secrets").provider


@given(ENTRIES)
def test_providers_that_only_read_never_matter(entries: list[Entry]) -> None:
    alone = [Entry(entry.resources, entry.providers[:1]) for entry in entries]
    assert effective_provider(entries, "secrets") == effective_provider(alone, "secrets")
