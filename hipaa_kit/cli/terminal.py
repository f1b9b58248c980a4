"""What the commands share: how one is declared, and what it says on the terminal.

stdout is data, stderr is talk.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hipaa_kit.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from hipaa_kit.sources.snapshot import Snapshot


class Parser(argparse.ArgumentParser):
    """Reads the arguments of a command, where it says so with its options anywhere between its ends.

    By itself argparse takes all positional arguments from the first run of them: of `A -p 80 B`, B would be left over.
    """

    intermixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what the arguments say, and those that are not known."""
        if not self.intermixed:
            return super().parse_known_args(args, namespace)
        self.intermixed = False  # what follows asks this function again, without options and with them
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.intermixed = True


def make_verb(verbs: Any, name: str, run: Any, summary: str) -> Parser:
    """Declare a command and the function that runs it."""
    parser: Parser = verbs.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def output(verb: argparse.ArgumentParser, what: str, *, required: bool = False) -> None:
    """Declare where a command writes."""
    verb.add_argument("-o", "--out", required=required, metavar="PATH", help=what)


def add_audit_log(verb: argparse.ArgumentParser) -> None:
    """Declare where the audit log is."""
    verb.add_argument(
        "--audit-log",
        action="append",
        default=[],
        metavar="PATH",
        help="the API server's audit log, files or folders; repeatable; what lies in the input, or in the folder"
        " audit_log beside scope.yaml, by default",
    )


def refuse_existing(out: str) -> None:
    """Refuse an output that exists before any work is done for it."""
    if Path(out).exists():
        raise InputError("exists already", out, "name another place or remove it")


def write_file(out: str, content: bytes) -> None:
    """Write a file whole or not at all, and print its name.

    Raises
    ------
    OutputError
        It cannot be written there.
    """
    _write(out, lambda place: place.write_bytes(content))


def write_folder(out: str, files: Mapping[str, bytes]) -> None:
    """Write a folder of files whole or not at all, and print its name.

    Raises
    ------
    OutputError
        It cannot be written there.
    """

    def fill(place: Path) -> None:
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)

    _write(out, fill)


def _write(out: str, make: Callable[[Path], object]) -> None:
    target = Path(out)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            made = Path(folder) / target.name
            make(made)
            made.rename(target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", out, "name another place with --out") from None
    print(out)


def print_table(frame: pd.DataFrame, form: str, columns: list[str]) -> None:
    """Print a table as text, of which some columns are shown, or whole as JSON or CSV."""
    if form == "json":
        print(frame.to_json(orient="records", indent=1))
    elif form == "csv":
        print(frame.to_csv(index=False, lineterminator="\n"), end="")
    else:
        print(frame[columns].to_string(index=False))


def say(words: str) -> None:
    """Say something to whoever watches."""
    print(words, file=sys.stderr, flush=True)


def say_what_was_read(snapshot: Snapshot) -> None:
    """Say in one line what a snapshot holds and what was refused."""
    from hipaa_kit.views.inspection import summary_line

    say(summary_line(snapshot))


class progress:  # noqa: N801 - used as a function
    """A progress bar on a terminal, plain lines otherwise."""

    def __init__(self, unit: str, total: int | None = None) -> None:
        self._unit, self._total = unit, total
        self._bar: Any = None

    def __enter__(self) -> Any:
        if not sys.stderr.isatty():
            return say
        from tqdm import tqdm

        self._bar = tqdm(total=self._total, unit=f" {self._unit}", file=sys.stderr, leave=False)
        return self._advance

    def _advance(self, words: str) -> None:
        self._bar.set_postfix_str(words[:60], refresh=False)
        self._bar.update()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def now() -> str:
    """Return this moment, for what records none."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
