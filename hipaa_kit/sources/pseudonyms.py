"""Keyed pseudonyms: equal values get equal names, and nobody without the key can guess back.

One key per installation, made once, readable by its owner alone. The clinic's key is public, so that
everyone's run of it gives the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Final

from hipaa_kit.errors import InputError

DEMO_KEY: Final = b"hipaa-kit clinic: public and fixed"
KEY_BYTES: Final = 32
REMEMBERED: Final = 100_000
KEY_VARIABLE: Final = "HIPAA_KIT_KEY_FILE"
PREFIX: Final = "hk-"


class Pseudonymizer:
    """Gives a value its pseudonym: `hk-` and 16 hexadecimal digits of HMAC-SHA256.

    Parameters
    ----------
    key
        Secret of the installation; it never shows in a `repr` or an error.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self._known: dict[str, str] = {}

    @classmethod
    def of_installation(cls) -> Pseudonymizer:
        """Return the one that uses this installation's key."""
        return cls(installation_key())

    def __call__(self, value: str) -> str:
        """Return the pseudonym of a value; a pseudonym stands for itself."""
        if is_pseudonym(value):
            return value
        if (known := self._known.get(value)) is not None:
            return known
        keyed = self._keyed.copy()
        keyed.update(value.encode("utf-8", "surrogatepass"))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        pseudonym = PREFIX + keyed.hexdigest()[:16]
        self._known[value] = pseudonym
        return pseudonym

    def __repr__(self) -> str:
        """Return the name of the class alone: neither the key nor a value it has seen."""
        return "Pseudonymizer()"


def is_pseudonym(value: str) -> bool:
    """Tell whether a text has the form of a pseudonym."""
    digits = value[len(PREFIX) :]
    return value.startswith(PREFIX) and len(digits) == 16 and all(c in "0123456789abcdef" for c in digits)


def installation_key() -> bytes:
    """Return the key of this installation, made when it is first needed.

    It lies at `$HIPAA_KIT_KEY_FILE`, or in `hipaa-kit/pseudonym.key` under the user's configuration
    folder, mode 0600.

    Returns
    -------
    bytes
        It is never printed, logged or put into a snapshot.

    Raises
    ------
    InputError
        The file can be read by others, is too short, or cannot be read or made.
    """
    path = _key_path()
    try:
        _make(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise InputError("the pseudonym key can be read by others", str(path), f"chmod 600 {path}")
        key = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the pseudonym key cannot be used: {error.strerror}",
            str(path),
            f"set {KEY_VARIABLE} to a file that can be read, or made, by you alone",
        ) from error
    if len(key) < KEY_BYTES:
        raise InputError(
            f"the pseudonym key is shorter than {KEY_BYTES} bytes", str(path), "remove it to have a new one made"
        )
    return key


def _key_path() -> Path:
    if given := os.environ.get(KEY_VARIABLE):
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "hipaa-kit" / "pseudonym.key"


def _make(path: Path) -> None:
    """Make the key unless it is there; two runs at once agree on the one that was linked first."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".pseudonym.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
