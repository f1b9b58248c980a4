"""Objects wherever they stand: kubectl's output in every form, and manifests.

Objects are recognised by what they are, not by the names of files. A dump that kept a record of every
list proves absences, one without does not, and manifests never do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hipaa_kit.errors import InputError
from hipaa_kit.kube import kinds
from hipaa_kit.kube.custom_kinds import CUSTOM
from hipaa_kit.sources.documents import decode
from hipaa_kit.sources.files import Entry, Tree
from hipaa_kit.sources.intake import Intake, ListSeen
from hipaa_kit.sources.layouts.collection import Collection, read_collection
from hipaa_kit.vocabulary import ABSENT, ANSWERED, PARTIAL, UNKNOWN

TELLING_SUFFIXES: Final = (".yaml", ".yml", ".json", ".jsonl", ".ndjson")
OBJECT_MARKS: Final = re.compile(rb"apiVersion|\"kind\"|^kind:|^[ \t]*[\[{]", re.MULTILINE)
SNIFFED_BYTES: Final = 2**15
SIDE_FILE_BYTES: Final = 2**26


class Objects:
    """Reads every file that may hold an object."""

    def find(self, tree: Tree) -> str | None:  # noqa: ARG002
        """Return the top: any tree may hold objects."""
        return ""

    def read(self, tree: Tree, root: str, intake: Intake, others: Sequence[Tree]) -> None:  # noqa: ARG002
        """Read all files, then judge every kind by the record that the dump kept of itself."""
        side_files: dict[str, str] = {}
        lists: list[ListSeen] = []
        for path, entry in tree.entries.items():
            if Collection.is_side_file(entry.name):
                try:
                    side_files[entry.name] = decode(tree.read(path, SIDE_FILE_BYTES), entry.name)
                except InputError as error:
                    intake.fail(entry.name, "", error.what)
                continue
            telling = tree.named or entry.name.lower().endswith(TELLING_SUFFIXES)
            held = entry if telling else _that_may_hold_objects(entry)
            if held is not None:
                seen = intake.read(held, telling=telling)
                lists += seen.lists
                intake.streamed |= seen.logs
        _cover(intake, side_files, lists)


def _that_may_hold_objects(entry: Entry) -> Entry | None:
    """Return a file of any name if its beginning tells that it is worth reading: logs can be very long.

    The file that was opened for that is the first that it opens: it need not be unpacked again.
    """
    try:
        file = entry.open()
        head = file.read(SNIFFED_BYTES)
        if b"\0" not in head[:4] and OBJECT_MARKS.search(head) is None:
            file.close()
            return None
        file.seek(0)
    except (OSError, InputError):
        return entry  # whoever reads it tells why it cannot be read
    opened = [file]
    return entry._replace(open=lambda: opened.pop() if opened else entry.open())


def _cover(intake: Intake, side_files: dict[str, str], lists: list[ListSeen]) -> None:
    """Say of every kind what its absence is worth."""
    by_key = {each.key: each.source for each in lists}
    read = Counter(each.key for each in lists)
    cut_short = {each.key for each in lists if each.cut_short}
    collection = read_collection(side_files, by_key)
    for kind in collection.kinds:
        intake.builder.learn(kind)
    intake.recorded |= bool(collection.lists)
    intake.cluster_name = collection.cluster_name
    intake.server_version = collection.server_version
    intake.collected_at = collection.collected_at
    intake.collected_basis = "recorded" if collection.collected_at else ""
    _by_record(intake, collection, by_key, read, cut_short)
    recorded = {kinds.canonical_group(answer.group, answer.kind) for answer in collection.lists}
    if collection.complete and not intake.broken:
        _not_served(intake, recorded | set(by_key))
    for key in sorted(set(by_key) - recorded):
        partial = key in cut_short
        words = "the list says that it goes on" if partial else "no record says that the list was answered in full"
        intake.cover(key, "", PARTIAL if partial else UNKNOWN, by_key[key], words)


def _by_record(
    intake: Intake,
    collection: Collection,
    lists: dict[tuple[str, str], str],
    read: Counter[tuple[str, str]],
    cut_short: set[tuple[str, str]],
) -> None:
    """Judge the lists that the dump's own record names."""
    answered = Counter(kinds.canonical_group(one.group, one.kind) for one in collection.lists if not one.exit_code)
    for answer in collection.lists:
        key = kinds.canonical_group(answer.group, answer.kind)
        received = intake.received(key, answer.namespace)
        # An empty list does not say which namespace it is of: only as many as were answered account for all.
        listed = read[key] >= answered[key] if answer.namespace else key in lists
        status, error = answer.judge(received, listed=listed, cut_short=key in cut_short)
        if status == ANSWERED and intake.broken:
            status, error = PARTIAL, "parts of the input could not be read"
        intake.cover(key, answer.namespace, status, lists.get(key, answer.source), error)


def _not_served(intake: Intake, known: set[tuple[str, str]]) -> None:
    """Say of the kinds that the kit knows and a complete record does not name that they are not served.

    Kinds that hold values and messages are served everywhere and left out on purpose. An object that
    is there after all shows that its kind is served.
    """
    for kind in (*kinds.BUILT_IN, *CUSTOM):
        key = (kind.group, kind.kind)
        left_out = kind in (kinds.SECRET, kinds.CONFIG_MAP, kinds.EVENT)
        if key not in known and not left_out and not intake.received(key):
            intake.cover(key, "", ABSENT, "record of the dump")
