"""Keys, passwords and names of people stand in no table, no saved file, no error."""

import base64
import re
from pathlib import Path

import pytest

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs import save_inputs
from tests.support import inputs as sample
from tests.support.inputs import given

CANARY = re.compile(r"canary7\w*?zq9", re.IGNORECASE)
ENCODED = "Q2FuYXJ5N2VuY3J5cHRpb25acTk"


def texts_of(read, folder: Path) -> str:
    save_inputs(read, folder)
    return "".join(path.read_text() for path in sorted(folder.iterdir()))


def test_the_canaries_are_planted() -> None:
    planted = str(sample.EVERY_FORM) + sample.ENCRYPTION
    assert len(set(CANARY.findall(planted))) >= 10
    assert ENCODED in planted
    assert base64.b64decode(ENCODED + "=") == b"Canary7encryptionZq9"


@pytest.mark.parametrize("name", sample.EVERY_FORM)
def test_no_canary_comes_out(name: str, tmp_path: Path) -> None:
    read = given(tmp_path / "in", **sample.EVERY_FORM[name])
    written = texts_of(read, tmp_path / "out")
    assert not CANARY.search(written)
    assert ENCODED not in written
    assert "198.51.100.9" not in written


BROKEN_KEYS = [
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{secret: *Canary7aliasZq9}]\n",
    'kind: EncryptionConfiguration\nsecret: "Canary7quoteZq9\nmore: {\n',
    "kind: EncryptionConfiguration\n? [Canary7keyZq9, a]\n: b\n",
    "kind: EncryptionConfiguration\nsecret: !Canary7tagZq9 a\n",
    "kind: EncryptionConfiguration\nsecret: Canary7colonZq9: b: c\n",
    "kind: EncryptionConfiguration\nsecret: @Canary7atZq9\n",
    '{"kind": "EncryptionConfiguration", "secret": "Canary7jsonZq9',
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: Canary7textZq9\n",
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- providers: [{Canary7providerZq9: {}}]\n",
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Canary7levelZq9}]\n",
]


@pytest.mark.parametrize("content", BROKEN_KEYS)
def test_an_error_never_quotes_a_file_of_the_control_plane(content: str, tmp_path: Path) -> None:
    read = given(tmp_path / "in", a=content)
    assert len(read.unreadable)
    assert not CANARY.search(texts_of(read, tmp_path / "out"))


@pytest.mark.parametrize(
    "content",
    [
        f"user,role,since\na,nurse,{sample.EMAIL}\n",
        "kind,date,scope,result\nrestore,2026-09-01,db,Bearer Canary7bearerZq9aaaaaaaaaaaa\n",
        "kind,date,scope,result\nrestore,2026-09-01,postgres://u:Canary7urlZq9@db/ehr,passed\n",
    ],
)
def test_an_error_about_a_record_shows_no_secret_and_no_address(content: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        given(tmp_path, a=content)
    assert not CANARY.search(caught.value.line())


def test_a_value_that_looks_like_a_secret_is_not_kept_wherever_it_stands(tmp_path: Path) -> None:
    named = sample.ENCRYPTION.replace("name: new", "name: AKIAIOSFODNN7EXAMPLE")
    read = given(tmp_path / "in", a=named)
    assert "<removed>" in set(read.tables["encryption_keys"]["key_name"])
    assert "AKIAIOSFODNN7EXAMPLE" not in texts_of(read, tmp_path / "out")
