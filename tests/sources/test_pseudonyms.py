"""Keyed pseudonyms and the key of an installation."""

from __future__ import annotations

import hashlib
import hmac
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hipaa_kit.errors import KitError
from hipaa_kit.sources.pseudonyms import DEMO_KEY, KEY_BYTES, Pseudonymizer, installation_key, is_pseudonym


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "key"
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(path))
    return path


def test_a_pseudonym_is_the_start_of_the_keyed_hash() -> None:
    expected = hmac.new(DEMO_KEY, b"hunter2", hashlib.sha256).hexdigest()[:16]
    assert Pseudonymizer(DEMO_KEY)("hunter2") == f"hk-{expected}"


def test_equal_values_have_equal_pseudonyms_and_other_keys_other_ones() -> None:
    one, other = Pseudonymizer(b"a" * 32), Pseudonymizer(b"b" * 32)
    assert one("x") == one("x") == Pseudonymizer(b"a" * 32)("x")
    assert one("x") != one("y")
    assert one("x") != other("x")


def test_a_pseudonym_stands_for_itself() -> None:
    pseudonym = Pseudonymizer(DEMO_KEY)
    assert pseudonym(pseudonym("x")) == pseudonym("x")


@pytest.mark.parametrize("value", ["", "hk-", "hk-0123456789abcde", "hk-0123456789abcdeF", "hk-0123456789abcdef0", "x"])
def test_other_texts_are_no_pseudonyms(value: str) -> None:
    assert not is_pseudonym(value)


def test_text_that_is_no_unicode_has_a_pseudonym() -> None:
    assert is_pseudonym(Pseudonymizer(DEMO_KEY)("\ud800"))


def test_neither_key_nor_values_are_shown() -> None:
    pseudonym = Pseudonymizer(b"a very secret key of an installation")
    pseudonym("hunter2")
    assert repr(pseudonym) == str(pseudonym) == "Pseudonymizer()"


def test_the_key_is_made_once_for_its_owner_alone(key_file: Path) -> None:
    key = installation_key()
    assert len(key) == KEY_BYTES
    assert installation_key() == key_file.read_bytes() == key
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert [each.name for each in key_file.parent.iterdir()] == ["key"]


def test_the_key_lies_in_the_configuration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HIPAA_KIT_KEY_FILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert installation_key() == (tmp_path / "hipaa-kit" / "pseudonym.key").read_bytes()


def test_runs_that_start_together_agree_on_one_key(key_file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: installation_key(), range(32)))
    assert keys == {key_file.read_bytes()}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(key_file: Path, mode: int) -> None:
    key = installation_key()
    key_file.chmod(mode)
    with pytest.raises(KitError, match="can be read by others") as caught:
        installation_key()
    assert str(key_file) in str(caught.value)
    assert key.hex() not in str(caught.value)


def test_a_short_key_is_refused(key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.write_bytes(b"short")
    key_file.chmod(0o600)
    with pytest.raises(KitError, match="shorter than 32 bytes") as caught:
        installation_key()
    assert "short'" not in str(caught.value)


def test_a_key_that_cannot_be_made_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIPAA_KIT_KEY_FILE", str(tmp_path / "file" / "key"))
    with pytest.raises(KitError, match="HIPAA_KIT_KEY_FILE"):
        installation_key()
