"""What an input is: one declaration says what it gives, in which forms, and how to get it.

An input is anything that is not an object of the cluster. Every one is optional; a check that reads
the table of a missing one is not assessed, and the reason carries the command that would collect it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from hipaa_kit.sources.pseudonyms import Pseudonymizer
from hipaa_kit.tables.declaration import Table

SECRET_KEYS = frozenset(
    "secret password userdata custom_data customdata adminpassword masteruserpassword masterpassword rootpassword"
    " clientsecret token accesskey secretkey privatekey kubeconfig clientkey sshkeys sharedaccesskey".split()
)
"""Names of fields whose value is dropped before anything else sees the document, in any spelling."""


class Row(NamedTuple):
    """One row and the table it belongs to."""

    table: Table
    values: Mapping[str, Any]


@dataclass
class Reading:
    """Where a document stands, and what a reader may use beside it.

    `source` is the file from the folder of inputs; `position` the place in it.
    """

    source: str
    position: str
    pseudonym: Callable[[str], str]

    def folder_after(self, name: str) -> str:
        """Return the folder that stands right below one called `name`, "" where there is none.

        Some exports do not say what they are about: `nodes/<node>/config.yaml`, `buckets/<name>/versioning.json`.
        """
        parts = PurePosixPath(self.source).parts
        below = [parts[number + 1] for number, part in enumerate(parts[:-2]) if part == name]
        return below[-1] if below else ""


@dataclass(frozen=True)
class Form:
    """One form in which an input comes: recognised by content, never by file name.

    Parameters
    ----------
    name
        What it is, in words.
    recognise
        Tells whether a document is of this form; takes any document and never raises.
    read
        Gives the rows of a document that was recognised.

    Notes
    -----
    A `read` that finds a mistake raises InputError with what is wrong; the place is added to it.
    """

    name: str
    recognise: Callable[[Any], bool]
    read: Callable[[Any, Reading], Iterable[Row]]


@dataclass(frozen=True)
class Input:
    """One input: what it is, how it comes, what it gives, and how to get it.

    Parameters
    ----------
    name
        Name by which reasons speak of it.
    what
        What it is, in words.
    forms
        Forms in which it is read.
    tables
        Tables that it fills.
    command
        The exact command, or the file to write, that would give it.
    written
        People write it, so that a mistake in it is refused and not only reported.
    unit
        Column whose value a file speaks of as a whole: two files about one value are not joined but compared.
    """

    name: str
    what: str
    forms: tuple[Form, ...]
    tables: tuple[Table, ...]
    command: str
    written: bool = False
    unit: str = ""


def without_secrets(document: Any) -> Any:
    """Return a document without the values of fields that hold keys and passwords.

    Notes
    -----
    This is the first thing that happens to a document. `secret` of an EncryptionConfiguration's keys is the key
    itself: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/. Rows are built from named fields
    alone, so this is the first of two nets, and the search for leaks before writing is the second.
    """
    if isinstance(document, Mapping):
        return {key: "" if _is_secret(key) else without_secrets(value) for key, value in document.items()}
    if isinstance(document, list):
        return [without_secrets(item) for item in document]
    return document


def _is_secret(key: Any) -> bool:
    return isinstance(key, str) and key.lower().replace("-", "").replace("_", "") in SECRET_KEYS


class LazyPseudonyms:
    """Gives pseudonyms, and asks for this installation's key only when the first one is needed."""

    def __init__(self, pseudonymizer: Pseudonymizer | None = None) -> None:
        self._pseudonymizer = pseudonymizer

    def __call__(self, value: str) -> str:
        """Return the pseudonym of a value; letters are folded, as user names are compared."""
        if self._pseudonymizer is None:
            self._pseudonymizer = Pseudonymizer.of_installation()
        return self._pseudonymizer(value.strip().lower())


def items(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a list; anything else yields nothing."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))
