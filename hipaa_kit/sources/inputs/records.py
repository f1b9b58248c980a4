"""What people keep as tables: YAML with a kind, JSON, or CSV with a header line; a mistake names its line.

Each kind has its columns, which of them must be there, and what may stand in them. A file is recognised by
its `kind`, or by the columns that no other kind has together; from then on whatever is wrong is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from hipaa_kit.errors import InputError
from hipaa_kit.sources.inputs.declaration import Form, Input, Reading, Row
from hipaa_kit.sources.inputs.log_stores import FORMS as LOG_STORE_FORMS
from hipaa_kit.sources.inputs.parsing import Sheet
from hipaa_kit.sources.inputs.values import get, line, moment, number, text
from hipaa_kit.sources.leaks import looks_secret
from hipaa_kit.tables import records as tables
from hipaa_kit.tables.declaration import Table
from hipaa_kit.tables.detections import DETECTION_SETTINGS
from hipaa_kit.tables.log_collection import LOG_STORES
from hipaa_kit.tables.vulnerabilities import LIFECYCLES

API_VERSION: Final = "hipaa-kit/v1"
SHOWN: Final = 40


class LineError(InputError):
    """A mistake in one entry of a record; `path` says which, so that its line can be found."""

    def __init__(self, what: str, path: tuple[Any, ...], do: str, line: int = 0) -> None:
        super().__init__(what, "", do)
        self.path = path
        self.line_number = line


@dataclass(frozen=True)
class RecordKind:
    """One kind of record: its columns, and how it is told from the others.

    Parameters
    ----------
    kind
        `kind` of its YAML form.
    table
        Table whose columns it may have.
    required
        Columns that each entry must fill.
    telling
        Columns by which a CSV file is recognised.
    days, moments
        Columns that hold a day, or a day or moment.
    also
        Other words for `kind`.
    lists
        Columns that hold several values and go to a table of their own; in CSV joined by `;`.
    """

    kind: str
    table: Table
    required: tuple[str, ...]
    telling: frozenset[str]
    days: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    lists: Mapping[str, tuple[Table, str]] = field(default_factory=dict)
    made: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that an entry may have."""
        return (*(name for name in self.table.names if name not in self.made), *self.lists)

    def recognise(self, document: Any) -> bool:
        """Tell whether a document is of this kind."""
        if isinstance(document, Sheet):
            return self.telling <= set(document.columns)
        if isinstance(document, Mapping) and "apiVersion" in document:
            return text(document, "kind") in (self.kind, *self.also) and text(document, "apiVersion").startswith(
                "hipaa-kit/"
            )
        # One item of a JSON list.
        return isinstance(document, Mapping) and self.telling <= set(document)

    def read(self, document: Any, reading: Reading) -> Iterator[Row]:
        """Yield the rows of a document of this kind.

        Raises
        ------
        LineError
            A column is unknown or lacking, or a value is not what the column holds.
        """
        for path, number_, entry in self._entries(document):
            try:
                yield from self._rows(entry, reading)
            except LineError as error:
                raise LineError(error.what, (*path, *error.path), error.do, number_) from None

    def _entries(self, document: Any) -> Iterator[tuple[tuple[Any, ...], int, Mapping[str, Any]]]:
        if isinstance(document, Sheet):
            self._known(document.columns, 1)
            yield from (((), at, row) for at, row in document.rows)
            return
        if "apiVersion" not in document:
            yield (), 0, document
            return
        if text(document, "apiVersion") != API_VERSION:
            raise LineError("has a version that is not read", ("apiVersion",), f"write apiVersion: {API_VERSION}")
        if strange := sorted(set(document) - {"apiVersion", "kind", "metadata", "entries"}):
            raise LineError(f"unknown key {strange[0]!r}", (strange[0],), "keys are apiVersion, kind, entries")
        entries = get(document, "entries")
        if not isinstance(entries, list):
            raise LineError("has no list entries", ("entries",), "write one entry per row")
        for position, entry in enumerate(entries):
            if not isinstance(entry, Mapping):
                raise LineError("an entry is no mapping", ("entries", position), f"write {', '.join(self.required)}")
            yield ("entries", position), 0, entry

    def _known(self, names: Iterable[str], at: int = 0) -> None:
        if strange := [name for name in names if name not in self.columns]:
            what = f"unknown column {_shown(strange[0])}"
            raise LineError(what, (strange[0],), f"columns are {', '.join(self.columns)}", at)

    def _rows(self, entry: Mapping[str, Any], reading: Reading) -> Iterator[Row]:
        self._known(entry)
        for name in self.required:
            if entry.get(name) in (None, ""):
                raise LineError(f"lacks {name}", (), f"every entry has {', '.join(self.required)}")
        values = {name: self._cell(name, entry[name]) for name in self.table.names if entry.get(name) not in (None, "")}
        if "pseudonym" in self.made:
            values["pseudonym"] = reading.pseudonym(str(values["user"]))
        yield Row(self.table, values)
        for name, (table, column) in self.lists.items():
            for item in _listed(name, entry.get(name)):
                yield Row(table, {**{key: values[key] for key in self.table.key}, column: item})

    def _cell(self, name: str, value: Any) -> Any:
        column = next(column for column in self.table.columns if column.name == name)
        if column.type == "Float64":
            found = number(value)
            if found is None or found < 0:
                raise LineError(f"{name} is {_shown(value)}", (name,), f"give a number of {name.rpartition('_')[2]}")
            return found
        if column.type == "boolean":
            return _truth(name, value)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise LineError(f"{name} is no text", (name,), "give one value")
        word = line(str(value))
        if name in self.days:
            return _day(name, word)
        if name in self.moments:
            return _moment(name, word)
        if column.values and word not in column.values:
            wanted = ", ".join(each for each in column.values if each)
            raise LineError(f"{name} is {_shown(value)}", (name,), f"one of {wanted}")
        if looks_secret(word):
            raise LineError(f"{name} looks like a secret", (name,), "remove it; it is not shown here")
        return word


def _shown(value: Any) -> str:
    """Return a value for a message, unless it may be more than a slip of the pen."""
    word = line(str(value))
    return repr(word) if len(word) <= SHOWN and not looks_secret(word) and "@" not in word else "something else"


def _day(name: str, word: str) -> str:
    try:
        return date.fromisoformat(word).isoformat()
    except ValueError:
        raise LineError(f"{name} is {_shown(word)}, which is no day", (name,), "write it like 2026-11-01") from None


def _moment(name: str, word: str) -> str:
    """Return a moment in UTC; a day stays a day, because nobody said which hour."""
    try:
        return date.fromisoformat(word).isoformat()
    except ValueError:
        pass
    try:
        datetime.fromisoformat(word)
    except ValueError:
        do = "write it like 2026-11-01 or 2026-11-01T08:00:00Z"
        raise LineError(f"{name} is {_shown(word)}, which is no time", (name,), do) from None
    return moment(word)


def _truth(name: str, value: Any) -> bool | None:
    words = {"true": True, "yes": True, "false": False, "no": False, "unknown": None}
    word = str(value).lower()
    if word not in words:
        raise LineError(f"{name} is {_shown(value)}", (name,), "one of true, false, unknown")
    return words[word]


def _listed(name: str, value: Any) -> list[str]:
    if value in (None, ""):
        return []
    items = value.split(";") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise LineError(f"{name} is no list of texts", (name,), "write a list; in CSV join them by ;")
    return list(dict.fromkeys(found for item in items if (found := line(item))))


def _kind(kind: str, table: Table, required: str, telling: str, **more: Any) -> tuple[RecordKind, Callable[..., Input]]:
    record = RecordKind(kind, table, tuple(required.split()), frozenset(telling.split()), **more)

    def declare(what: str, command: str, *others: Form) -> Input:
        columns = ", ".join(record.columns)
        form = Form(f"YAML of kind {kind}, or CSV or JSON with columns {columns}", record.recognise, record.read)
        filled = (table, *(other for other, _ in record.lists.values()))
        return Input(table.name, what, (form, *others), filled, command, written=True)

    return record, declare


_TICKETS = _kind(
    "Tickets",
    tables.TICKETS,
    "id opened_at kind status",
    "id opened_at",
    moments=("opened_at", "closed_at", "acknowledged_at"),
)
_INCIDENTS = _kind(
    "Incidents",
    tables.INCIDENTS,
    "id detected_at kind status",
    "id detected_at",
    moments=("detected_at", "reported_at", "closed_at"),
)
_WORKFORCE = _kind(
    "Workforce",
    tables.WORKFORCE,
    "user role",
    "user role",
    days=("since", "until"),
    lists={"groups": (tables.WORKFORCE_GROUPS, "group")},
    made=("pseudonym",),
)
_VENDORS = _kind(
    "Vendors",
    tables.VENDORS,
    "name service",
    "name service",
    days=("baa_signed_on", "baa_expires_on"),
    lists={"endpoints": (tables.VENDOR_ENDPOINTS, "endpoint")},
)
_POLICIES = _kind("Policies", tables.POLICIES, "citation document", "citation document", days=("reviewed_on",))
_ARCHIVE = _kind("EvidenceArchive", tables.EVIDENCE_ARCHIVE, "run run_on", "run run_on", days=("run_on", "verified_on"))
_ACCESS = _kind("AccessMatrix", tables.ACCESS_MATRIX, "role verb resource", "role verb resource")
_DRILLS = _kind(
    "Drills", tables.DRILLS, "kind date scope result", "kind date result", days=("date",), also=("DrillList",)
)
_LIFECYCLES = _kind(
    "Lifecycles", LIFECYCLES, "product cycle checked_on source", "product cycle", days=("eol_on", "checked_on")
)
_DETECTIONS = _kind("DetectionSettings", DETECTION_SETTINGS, "list value", "list value")
_LOG_STORES = _kind("LogStores", LOG_STORES, "provider name holds", "provider holds")
_KEYS = _kind("Keys", tables.KEY_REGISTER, "key", "key kept_in", days=("rotated_on",))


def is_aws_rotation(document: Any) -> bool:
    """Tell whether a document is what `aws kms get-key-rotation-status` answers."""
    return isinstance(get(document, "KeyRotationEnabled"), bool)


def read_aws_rotation(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield whether a key of AWS is changed by itself.

    Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html.
    """
    name = text(document, "KeyId")
    if not name:
        raise InputError("does not say which key it is of", "", "add its ARN as KeyId")
    rotates = document["KeyRotationEnabled"]
    yield Row(tables.KEY_REGISTER, {"key": name, "kept_in": "external", "rotates": rotates})


def is_google_key(document: Any) -> bool:
    """Tell whether a document is what `gcloud kms keys describe` answers."""
    return "/cryptoKeys/" in text(document, "name") and bool(text(document, "purpose"))


def read_google_key(document: Any, reading: Reading) -> Iterator[Row]:  # noqa: ARG001 - every form reads alike
    """Yield a key of Google, which is changed by itself where it has a period.

    Source: https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.
    """
    values = {
        "key": text(document, "name"),
        "kept_in": "external",
        "rotated_on": moment(text(document, "primary", "createTime"))[:10],
        "rotates": bool(text(document, "rotationPeriod")),
    }
    yield Row(tables.KEY_REGISTER, values)


KINDS: Final = {
    kind: record
    for record, _ in (
        *(
            _TICKETS,
            _INCIDENTS,
            _WORKFORCE,
            _VENDORS,
            _ACCESS,
            _DRILLS,
            _KEYS,
            _DETECTIONS,
            _LIFECYCLES,
            _LOG_STORES,
            _POLICIES,
            _ARCHIVE,
        ),
    )
    for kind in (record.kind, *record.also)
}

INPUTS: Final = (
    _TICKETS[1](
        "tickets of changes, access requests, vulnerabilities and alerts",
        "export from the ticket system as inputs/tickets.csv with columns id, opened_at, closed_at, kind, severity,"
        " object, status, vulnerability, and of those that alerts opened alert, acknowledged_at, incident",
    ),
    _INCIDENTS[1](
        "the register of security incidents",
        "export as inputs/incidents.csv with columns id, detected_at, reported_at, closed_at, kind, severity, object,"
        " ephi_involved, status",
    ),
    _WORKFORCE[1](
        "people and accounts that may use the systems, with their roles and groups",
        "write inputs/workforce.yaml, or export inputs/workforce.csv with columns user, role, since, until, groups",
    ),
    _VENDORS[1](
        "vendors that may see ePHI, and their business associate agreements",
        "write inputs/vendors.yaml with name, service, baa_signed_on, baa_expires_on, contact_role, endpoints",
    ),
    _POLICIES[1](
        "which document says how each paragraph of the rule is followed",
        "write inputs/policies.csv with columns citation, document, version, reviewed_on, location",
    ),
    _ARCHIVE[1](
        "runs whose evidence is kept, and where",
        "write inputs/evidence_archive.csv with columns run, run_on, verified_on, location, locked",
    ),
    _ACCESS[1](
        "what each role of the organisation is meant to be able to do",
        "write inputs/access_matrix.yaml with role, verb, group, resource, namespace",
    ),
    _DRILLS[1](
        "exercises held: restores, failovers, incident table-tops",
        "write inputs/drills.yaml with kind, date, scope, result, rto_minutes, rpo_minutes, actions_closed",
    ),
    _DETECTIONS[1](
        "what detections on the audit log have to know of the site",
        "write inputs/detections.csv with columns list, value: who is automation or applies declared configuration,"
        " who reads Secrets by design, in which time zone people work",
    ),
    _KEYS[1](
        "keys that data at rest are encrypted with: where they live, and when they were changed",
        "write inputs/keys.csv with columns key, kept_in, rotated_on, rotates; or for each key"
        " aws kms get-key-rotation-status --key-id KEY > inputs/KEY.json;"
        " gcloud kms keys describe KEY --keyring RING --location PLACE --format=json > inputs/KEY.json",
        Form("aws kms get-key-rotation-status", is_aws_rotation, read_aws_rotation),
        Form("gcloud kms keys describe", is_google_key, read_google_key),
    ),
    _LOG_STORES[1](
        "where logs are kept, for how long, and whether they are locked there",
        "aws logs describe-log-groups > inputs/log_groups.json; gcloud logging buckets list --format=json >"
        " inputs/log_buckets.json; az monitor log-analytics workspace show -g GROUP -n NAME > inputs/workspace.json;"
        " or write inputs/log_stores.csv with columns provider, name, holds (audit, containers, both, other, unknown),"
        " retention_days, forever, locked, required_days",
        *LOG_STORE_FORMS,
    ),
    _LIFECYCLES[1](
        "until when software gets fixes, as the site looked it up after the kit was made",
        "write inputs/lifecycles.csv with columns product, cycle, eol_on, checked_on, source, in the words of"
        " https://endoflife.date",
    ),
)


def misnamed_kind(document: Any) -> bool:
    """Tell whether a document is meant for the kit and names a kind that it does not know."""
    if not isinstance(document, Mapping) or not text(document, "apiVersion").startswith("hipaa-kit/"):
        return False
    return text(document, "kind") not in KINDS
