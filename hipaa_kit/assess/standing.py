"""Signed records held against findings: which stand, which speak of what, and what is wrong with the others.

A record never changes a verdict. One that has expired, was approved by its own owner, lacks a field, rests on a file
that is another one, or on a measure that is not there, gives nothing: the finding stands as if there were none.
Source: result model, section 5; 45 CFR 164.306(d)(3) for addressable specifications.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

import pandas as pd

from hipaa_kit.catalogue import Catalogue, load_catalogue
from hipaa_kit.counting import Count
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.safeguards.ages import days_between
from hipaa_kit.sources.signed import Matcher, Records
from hipaa_kit.sources.snapshot import Snapshot
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.signed import RECORD_PROBLEMS, RECORD_STATES
from hipaa_kit.vocabulary import COMPLETE, ERROR, FAIL, NOT_ASSESSED, REVIEW

LONGEST_DAYS: Final = 366
WIDENED_BY: Final = 1.2
LIMITED: Final = frozenset({"Waiver", "Decision", "Attestation"})
"""Kinds of record that have to end."""

ARTIFACT_WORDS: Final = {"missing": "is not there", "differs": "is another one than was signed for"}
STRENGTH: Final = ("alternative", "accepted_risk", "attested", "inherited", "")

Key = tuple[str, str]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a record; `invalidates` where the record gives nothing because of it."""

    code: str
    words: str
    invalidates: bool = True


@dataclass(frozen=True)
class Standing:
    """One record, what is wrong with it, and the findings that it speaks of."""

    row: Mapping[str, Any]
    problems: tuple[Problem, ...]
    speaks_of: tuple[Key, ...] = field(repr=False)

    @property
    def stands(self) -> bool:
        """Tell whether it gives its disposition."""
        return not any(problem.invalidates for problem in self.problems)

    @property
    def state(self) -> str:
        """Return the state in one word."""
        codes = {problem.code for problem in self.problems}
        if codes & {"measure_unseen", "unseen"} and not any(
            p.invalidates and p.code not in ("measure_unseen", "unseen") for p in self.problems
        ):
            return "unseen"
        if not self.stands:
            return "invalid"
        return next((word for word in ("unused", "widened") if word in codes), "valid")


class Desk:
    """Findings, sorted so that a record finds those it speaks of.

    Parameters
    ----------
    findings, finding_citations
        Tables of those names.
    snapshot
        What was read of the cluster.
    """

    def __init__(self, findings: pd.DataFrame, finding_citations: pd.DataFrame, snapshot: Snapshot) -> None:
        columns = [
            "check",
            "object",
            "kind",
            "namespace",
            "name",
            "verdict",
            "reason_code",
            "fingerprint",
            "finding_id",
        ]
        self.rows: dict[Key, dict[str, Any]] = {(r["check"], r["object"]): r for r in rows_of(findings[columns])}
        self.by_check: dict[str, list[Key]] = {}
        for key in self.rows:
            self.by_check.setdefault(key[0], []).append(key)
        self.by_citation: dict[str, dict[Key, str]] = {}
        links = finding_citations[["check", "object", "citation", "relation"]]
        for check, name, citation, relation in links.itertuples(index=False):
            self.by_citation.setdefault(citation, {})[check, name] = relation
        self.cluster = snapshot.identity.name

    def named(self, row: Mapping[str, Any], controls: Iterable[str], matcher: Matcher) -> list[Key]:
        """Return the findings that a record names, whatever their verdict."""
        wanted = list(controls)
        if wanted:
            keys = [key for control in wanted for key in self.by_check.get(control, ())]
        elif row["citation"]:
            keys = list(self.by_citation.get(row["citation"], ()))
        else:
            keys = list(self.rows) if row["fingerprint"] else []
        if mark := row["fingerprint"]:
            keys = [key for key in keys if mark in (self.rows[key]["fingerprint"], self.rows[key]["finding_id"])]
        if not matcher.patterns:
            return keys
        return [key for key in keys if matcher.meets({"cluster": self.cluster, **self._facts(key)})]

    def _facts(self, key: Key) -> dict[str, str]:
        row = self.rows[key]
        return {"namespace": row["namespace"], "kind": row["kind"], "name": row["name"]}

    def speaks(self, disposition: str, key: Key) -> bool:
        """Tell whether a disposition is for a finding, by its verdict."""
        row = self.rows[key]
        if disposition in ("alternative", "accepted_risk"):
            return bool(row["verdict"] == FAIL)
        managed = row["verdict"] == NOT_ASSESSED and row["reason_code"] == "managed_plane"
        return bool(row["verdict"] == REVIEW or (disposition == "inherited" and managed))

    def doubtful(self, key: Key) -> bool:
        """Tell whether it is not known what a finding would say."""
        return self.rows[key]["verdict"] in (NOT_ASSESSED, ERROR)

    def unseen(self, checks: Iterable[str]) -> bool:
        """Tell whether some objects of these checks were not seen at all."""
        return any(key[1].endswith("/*") and self.doubtful(key) for c in checks for key in self.by_check.get(c, ()))


def judge_records(
    records: Records, desk: Desk, snapshot: Snapshot, catalogue: Catalogue, as_of: str, ran: frozenset[str]
) -> list[Standing]:
    """Return how every record stands.

    Parameters
    ----------
    records
        What people signed.
    desk
        Findings.
    snapshot, catalogue
        For measures that are objects, and for what is addressable.
    as_of
        Moment to judge for, RFC 3339.
    ran
        Checks whose findings are known: what no check asks for cannot be told to be unused.
    """
    judge = _Judge(records, desk, snapshot, catalogue, as_of[:10], ran)
    return [judge.standing(row) for row in rows_of(records.tables["signed_records"])]


def states_alone(records: Records, as_of: str) -> pd.DataFrame:
    """Return table `record_states` without a cluster: what is wrong with each record by itself.

    Whether a measure is there, and whether anything is left to speak of, is not asked.
    """
    alone = _Alone(records, load_catalogue(), as_of[:10])
    rows = rows_of(records.tables["signed_records"])
    return states_of(Standing(row, tuple(alone.problems(row)), ()) for row in rows)[0]


def states_of(standings: Iterable[Standing]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tables `record_states` and `record_problems`."""
    held = list(standings)
    states = RECORD_STATES.frame(
        {
            "record": each.row["record"],
            "state": each.state,
            "stands": each.stands,
            "matched": len(each.speaks_of),
            "problem": "; ".join(problem.words for problem in each.problems),
        }
        for each in held
    )
    problems = RECORD_PROBLEMS.frame(
        {
            "record": each.row["record"],
            "problem": code,
            "invalidates": any(p.invalidates for p in each.problems if p.code == code),
            "words": "; ".join(p.words for p in each.problems if p.code == code),
        }
        for each in held
        for code in dict.fromkeys(problem.code for problem in each.problems)
    )
    return states, problems


def chosen(standings: Iterable[Standing]) -> Standing | None:
    """Return the record that counts where several speak of one finding: one that stands, then the strongest."""
    return min(
        standings,
        key=lambda s: (
            not s.stands,
            STRENGTH.index(s.row["disposition"]),
            _descending(s.row["expires_on"]),
            s.row["record"],
        ),
        default=None,
    )


def _descending(day: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in day)


def _plain(name: str) -> str:
    """Return a name without what may be written otherwise of the same one: case, spaces, forms of letters."""
    return " ".join(normalize("NFKC", name).casefold().split())


class _Alone:
    """Looks for what is wrong with a record by itself."""

    def __init__(self, records: Records, catalogue: Catalogue, day: str) -> None:
        self.tables, self.catalogue, self.day = records.tables, catalogue, day

    def problems(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield them."""
        yield from self._signed(row)
        yield from self._dated(row)
        yield from self._rested(row["record"])
        yield from self._refused(row)

    def _signed(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        if row["lacking"]:
            yield Problem("incomplete", f"it lacks {row['lacking'].replace(' ', ', ')}")
        owner, approver = (_plain(str(row[key])) for key in ("owner", "approver"))
        if owner and owner == approver:
            yield Problem("self_approved", "whoever answers for it approved it")

    def _dated(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        signed, expires = row["signed_on"], row["expires_on"]
        if not self.day:
            yield Problem("unseen", "the moment to judge for is not known")
            return
        if signed and signed > self.day:
            yield Problem("not_yet", f"it is signed for a day to come, {signed}")
        if expires and expires < self.day:
            yield Problem("expired", f"it expired on {expires}")
        if row["kind"] in LIMITED and signed and expires and days_between(signed, expires) > LONGEST_DAYS:
            yield Problem("too_long", f"it stands for more than {LONGEST_DAYS} days, until {expires}")

    def _rested(self, record: str) -> Iterator[Problem]:
        artifacts = self.tables["record_artifacts"]
        for path, state in artifacts.loc[artifacts["record"] == record, ["path", "state"]].itertuples(index=False):
            if state != "verified":
                yield Problem(f"artifact_{state}", f"the file {path} {ARTIFACT_WORDS[state]}")

    def _refused(self, row: Mapping[str, Any]) -> Iterator[Problem]:
        """Say where there is nothing to decide: what is required has to be implemented."""
        if row["kind"] == "Decision" and row["citation"] and row["decision"] in ("alternative", "not_reasonable"):
            kind = self.catalogue.citation(row["citation"]).kind
            if kind != "addressable":
                yield Problem("not_addressable", f"{row['citation']} is {kind}: there is no deciding against it")


class _Judge(_Alone):
    """Looks for what is wrong with a record that is held against findings."""

    def __init__(
        self, records: Records, desk: Desk, snapshot: Snapshot, catalogue: Catalogue, day: str, ran: frozenset[str]
    ) -> None:
        super().__init__(records, catalogue, day)
        self.desk, self.snapshot, self.ran = desk, snapshot, ran
        self.controls = self._lists("record_controls", "control")
        self.measures = self._lists("record_measures", "measure")
        patterns: dict[str, list[tuple[str, str]]] = {}
        for record, name, pattern in records.tables["record_matches"].itertuples(index=False):
            patterns.setdefault(record, []).append((name, pattern))
        self.matchers = {record: Matcher(tuple(held)) for record, held in patterns.items()}
        coverage = snapshot.coverage.frame
        self.answers = coverage[["kind", "namespace", "status"]]

    def _lists(self, table: str, column: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record, value in self.tables[table][["record", column]].itertuples(index=False):
            found.setdefault(record, []).append(value)
        return found

    def standing(self, row: Mapping[str, Any]) -> Standing:
        """Return how one record stands."""
        name = row["record"]
        problems = [*self.problems(row), *self._measured(name)]
        matcher = self.matchers.get(name, Matcher(()))
        named = self.desk.named(row, self.controls.get(name, ()), matcher)
        speaks = [key for key in named if self.desk.speaks(row["disposition"], key)] if row["disposition"] else []
        problems += self._contradicted(row, named)
        if not any(problem.invalidates for problem in problems):
            problems += self._used(row, named, speaks)
        return Standing(row, tuple(problems), tuple(speaks))

    def _measured(self, record: str) -> Iterator[Problem]:
        """Look for the objects that are said to compensate."""
        for measure in self.measures.get(record, ()):
            if measure.count("/") != 2 or " " in measure or self.snapshot.find(measure):
                continue
            kind, namespace, _ = parse_object_id(measure)
            mine = self.answers[self.answers["kind"] == kind]
            mine = mine[(mine["namespace"] == "") | (mine["namespace"] == namespace)]
            if len(mine) and mine["status"].isin(COMPLETE).all():
                yield Problem("measure_missing", f"the measure {measure} is not there")
            else:
                yield Problem("measure_unseen", f"whether the measure {measure} is there was not seen")

    def _contradicted(self, row: Mapping[str, Any], named: list[Key]) -> Iterator[Problem]:
        """Say where what was decided to be implemented is not."""
        if row["decision"] != "implement":
            return
        relations = self.desk.by_citation.get(row["citation"], {})
        open_ = [k for k in named if relations.get(k) == "direct" and self.desk.rows[k]["verdict"] == FAIL]
        if open_:
            number = Count(len(open_))
            words = f"it says to implement {row['citation']}, and {number:finding} of it {number:fails|fail}"
            yield Problem("contradicted", words)
        elif any(self.desk.doubtful(k) for k in named if relations.get(k) == "direct") or self.desk.unseen(
            {key[0] for key, relation in relations.items() if relation == "direct"}
        ):
            yield Problem("unseen", "whether it is implemented was not seen", invalidates=False)

    def _used(self, row: Mapping[str, Any], named: list[Key], speaks: list[Key]) -> Iterator[Problem]:
        """Say whether a record has anything left to speak of, and whether it speaks of more than it did."""
        before = row["objects_at_approval"]
        if not row["disposition"]:
            return
        controls = self.controls.get(row["record"]) or [
            control.id for control in self.catalogue.controls_of(row["citation"])
        ]
        checks = [control for control in controls if control in self.ran]
        blind = any(self.desk.doubtful(key) for key in named) or self.desk.unseen(checks or self.desk.by_check)
        if speaks:
            if pd.isna(before):
                return
            if len(speaks) > WIDENED_BY * int(before):
                words = f"it speaks of {Count(len(speaks)):finding}, and of {int(before)} when it was approved"
                yield Problem("widened", words, invalidates=False)
            elif blind:
                yield Problem("unseen", "how much it speaks of was not seen", invalidates=False)
            return
        if controls and not checks:
            return
        if blind:
            yield Problem("unseen", "whether there is still anything for it was not seen", invalidates=False)
        else:
            yield Problem("unused", "nothing is left for it to speak of", invalidates=False)
