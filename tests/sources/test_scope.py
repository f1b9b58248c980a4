"""The scope file is read strictly, and every mistake is named with its line."""

from pathlib import Path

import pytest

from hipaa_kit.errors import ScopeError
from hipaa_kit.resources import shipped
from hipaa_kit.sources.scope import load_scope

HEAD = "apiVersion: hipaa-kit/v1\nkind: Scope\nmetadata: {name: clinic, owner: privacy@clinic.example}\n"
WHO = "owner: a@clinic.example, data_class: ephi, criticality: critical"


def load(tmp_path: Path, text: str):
    path = tmp_path / "scope.yaml"
    path.write_text(text)
    return load_scope(path)


def test_the_clinics_scope_is_read() -> None:
    scope = load_scope(shipped("data") / "clinic" / "scope.yaml")
    assert (scope.name, len(scope.entries)) == ("clinic", 10)
    assert {entry.selector for entry in scope.entries} >= {"namespace", "label", "claim", "image", "name", "external"}
    assert scope.entries[7].via == "Service/imaging/cold-archive"
    assert scope.exclude[0].object == "Deployment/portal/status-page"
    assert scope.expected_flows[0].port == 8080


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (f"entries:\n- {{namespaceSelector: 'a=b', {WHO}, colour: red}}\n", 5, "unknown key 'colour'"),
        (f"entries:\n- {{namespaceSelector: 'a=b', {WHO}}}\nfoo: 1\n", 6, "unknown key 'foo'"),
        (f"entries:\n- {{{WHO}}}\n", 5, "no selector"),
        (f"entries:\n- {{image: 'x', object: 'Pod/a/b', {WHO}}}\n", 5, "object and image"),
        ("entries:\n- {image: 'x', owner: a, data_class: ephi}\n", 5, "lacks criticality"),
        (
            "entries:\n- {image: 'x', owner: a, data_class: ephi, criticality: tier-1}\n",
            5,
            "one of critical, high, standard",
        ),
        ("entries:\n- image: x\n  owner: ''\n  data_class: ephi\n  criticality: high\n", 6, "owner is"),
        (f"entries:\n- {{podSelector: 'a in b', {WHO}}}\n", 5, "kubectl's -l"),
        (f"entries:\n- {{podSelector: '', {WHO}}}\n", 5, "podSelector"),
        (f"entries:\n- {{object: 'db', {WHO}}}\n", 5, "write it like StatefulSet/ehr/db"),
        (f"entries:\n- {{image: x, via: Service/a/b, {WHO}}}\n", 5, "via without external"),
        (f"entries:\n- {{object: 'Pod/a/b', namespace: a, {WHO}}}\n", 5, "namespace beside object"),
        ("entries: []\n", 4, "entries is"),
        ("entries: 7\n", 4, "entries is 7"),
        (f"entries:\n- {{image: x, {WHO}}}\nentries:\n- {{image: y, {WHO}}}\n", 6, "stands there twice"),
        (f"entries:\n- {{image: x, {WHO}}}\nexclude: [{{object: Pod/a/b}}]\n", 6, "lacks reason"),
        (
            f"entries:\n- {{image: x, {WHO}}}\nexpected_flows: [{{from: a, to: Pod/a/b, port: 99999}}]\n",
            6,
            "port is 99999",
        ),
        (f"entries:\n- {{image: x, {WHO}\n", 6, "cannot be read"),
        (f"entries:\n- {{image: x, {WHO}}}\n5: x\nfoo: 1\n", 6, "key 5 is not text"),
        (f"entries:\n- {{image: x, {WHO}}}\n~: x\nfoo: 1\n", 6, "key ~ is not text"),
        (f"entries:\n- {{image: x, {WHO}}}\nprovider: &x {{platform: *x}}\n", 6, "an alias stands in itself"),
        (f"entries:\n- {{image: x, {WHO}}}\nsystem: {{preset: all}}\n", 6, "one of standard, none"),
        (f"entries:\n- {{external: s3, via: Pod/a/b, {WHO}}}\n", 5, "write it like Service/ehr/db-external"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, body: str, line: int, words: str) -> None:
    with pytest.raises(ScopeError) as error:
        load(tmp_path, HEAD + body)
    assert f"scope.yaml:{line}" in str(error.value)
    assert words in str(error.value)
    assert error.value.exit_code == 2


def test_a_review_on_a_day_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    head = "apiVersion: hipaa-kit/v1\nkind: Scope\nmetadata:\n  name: c\n  owner: p\n  reviewed_on: 2026-02-30\n"
    with pytest.raises(ScopeError, match=r"scope\.yaml:6: metadata\.reviewed_on is 2026-02-30, which is no date"):
        load(tmp_path, head + f"entries:\n- {{image: x, {WHO}}}\n")


@pytest.mark.parametrize("text", ["", "[]", "kind: Scope\n", HEAD.replace("v1", "v9") + "entries: []\n"])
def test_what_is_no_scope_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScopeError):
        load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScopeError, match="cannot be read"):
        load_scope(tmp_path / "none.yaml")


def test_the_digest_is_of_content_and_not_of_comments(tmp_path: Path) -> None:
    text = HEAD + f"entries:\n- {{image: x, {WHO}}}\n"
    assert load(tmp_path, text).digest == load(tmp_path, "# why\n" + text).digest
    assert load(tmp_path, text).digest != load(tmp_path, text.replace("image: x", "image: y")).digest
