"""The one family of errors the kit raises on purpose.

Each error reads as one line: what was found, where, and what to do about it. The command line
prints that line and exits with the error's code; anything else that escapes is a bug of ours.
"""

from __future__ import annotations

from hipaa_kit.printable import printable

EXIT_DONE = 0
EXIT_INTERNAL = 1
EXIT_INPUT = 2
EXIT_FINDINGS = 3
EXIT_NOTHING_ASSESSED = 4
EXIT_NEW = 5
EXIT_MISMATCH = 6
EXIT_RECORDS = 7
EXIT_INTERRUPTED = 130
"""What the command line ends with; `assess.gate` says which of several counts."""


class KitError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    what
        What was found, without any value that may be secret.
    where
        File, line, object or request it was found at; "" where there is none.
    do
        What the reader can do about it; "" where nothing can be advised.
    """

    exit_code = EXIT_INPUT

    def __init__(self, what: str, where: str = "", do: str = "") -> None:
        self.what = what
        self.where = where
        self.do = do
        super().__init__(self.line())

    def line(self) -> str:
        """Return the error as the one line that is shown to people."""
        line = f"{self.where}: {self.what}" if self.where else self.what
        line = f"{line} ({self.do})" if self.do else line
        return printable(" ".join(line.split()))

    def __reduce__(self) -> tuple[type[KitError], tuple[str, str, str]]:
        """Keep the three parts when the error crosses a process boundary."""
        return type(self), (self.what, self.where, self.do)


class InputError(KitError):
    """A file or argument that the kit was given cannot be used."""


class ScopeError(InputError):
    """The ePHI scope file is wrong."""


class SnapshotError(InputError):
    """A snapshot is damaged, incomplete or not a snapshot."""


class TableError(KitError):
    """A frame does not have the columns, types or key that its table declares."""

    exit_code = EXIT_INTERNAL


class LeakError(KitError):
    """Something about to be written looks like a secret."""

    exit_code = EXIT_INTERNAL


class OutputError(KitError):
    """A result could not be written."""

    exit_code = EXIT_INTERNAL
