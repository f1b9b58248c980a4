"""How a check is declared, and how it says what it sees.

A check is a pure function of tables. Its positional parameters name the tables it reads, its
keyword-only parameters are what a site may set, and `as_of` is the moment it judges for. Which
law it serves, how bad a failure is and what to do about it stand in the catalogue, under its id.

    @check("HK-AVL-05")
    def memory_requested(ephi_workloads, pods, containers):
        examined = …                       # one row per object or part examined
        return judge(
            examined,
            fails(examined["request_memory_bytes"].isna(), "container {container} asks for no memory"),
            passes="container {container} asks for {request_memory_bytes} bytes",
        )
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from string import Formatter
from typing import Any

import pandas as pd

from hipaa_kit.counting import Count
from hipaa_kit.inventory.parts import Narrow, Parts
from hipaa_kit.inventory.registry import RUN_TABLES, inputs_behind, kinds_behind, rests_on_scope
from hipaa_kit.kube.kinds import Kind
from hipaa_kit.kube.owners import parse_object_id
from hipaa_kit.sources.inputs import INPUTS
from hipaa_kit.tables.declaration import rows_of
from hipaa_kit.tables.results import JUDGEMENTS
from hipaa_kit.vocabulary import CLUSTER, FAIL, NOT_APPLICABLE, NOT_ASSESSED, PASS, REVIEW

Judge = Callable[..., pd.DataFrame]

DECIDES = (NOT_APPLICABLE, FAIL, NOT_ASSESSED, REVIEW)
"""Which outcome a row takes when several hold: a failure that is proved wins over what is unknown."""


@dataclass(frozen=True)
class Check:
    """One check: the control it tests, its function, and what that reads."""

    id: str
    function: Judge
    tables: tuple[str, ...]
    parameters: dict[str, Any]
    takes_time: bool
    without_scope: bool
    optional: frozenset[str] = frozenset()
    everywhere: bool = False
    within: bool = False
    narrow: Narrow = field(default_factory=dict)
    parts: Parts | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of object that stand behind its tables."""
        return tuple(sorted({kind for table in self.tables for kind in kinds_behind(table)}))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs beside the cluster without which it cannot judge."""
        needed = [table for table in self.tables if table not in self.optional]
        return tuple(sorted({name for table in needed for name in inputs_behind(table)}))

    @property
    def judges_findings(self) -> bool:
        """Tell whether it reads findings or signed records, so that it comes after the checks of objects."""
        return any(table in RUN_TABLES for table in self.tables)

    @property
    def needs_all_findings(self) -> bool:
        """Tell whether what it says rests on the findings of all other checks, of whatever topic."""
        return not {"findings", "finding_citations", "record_problems"}.isdisjoint(self.tables)

    @property
    def needs_scope(self) -> bool:
        """Tell whether it cannot judge without a declared ePHI scope."""
        return not self.without_scope and any(rests_on_scope(table) for table in self.tables)

    def place_of(self, object: str) -> str:  # noqa: A002 - the kit's word for it
        """Return the namespace that must have been seen for what it says of an object, or that of the whole cluster."""
        kind, namespace, name = parse_object_id(object)
        if self.everywhere:
            return CLUSTER
        return name if self.within and kind == "Namespace" else namespace


CHECKS: dict[str, Check] = {}


def check(
    control: str,
    *,
    without_scope: bool = False,
    optional: Iterable[str] = (),
    everywhere: bool = False,
    within: bool = False,
    narrow: Narrow | None = None,
    by_object: Mapping[str, tuple[tuple[str, ...], ...]] | None = None,
) -> Callable[[Judge], Judge]:
    """Declare the function below as the check of a control.

    Parameters
    ----------
    control
        Id of the control in the catalogue.
    without_scope
        It judges also where no ePHI scope is declared, because that is what it asks about.
    optional
        Tables of inputs that it also judges without; they are empty where the input is missing.
    everywhere
        What it concludes of one object rests on those of every namespace: who else may reach it.
    within
        What it concludes of a Namespace rests on the objects in that namespace alone, as its quotas. Else a Namespace
        is an object of the cluster, and all namespaces must have been seen.
    narrow
        Columns that it reads of a table, where it does not read all: it is given no others.
    by_object
        By table, groups of columns that name the object on which a row bears, where what it says of an object rests on
        no other row of that table: see `parts.Parts`.
    """

    def register(function: Judge) -> Judge:
        if control in CHECKS:
            raise ValueError(f"control {control} has two checks")
        parameters = inspect.signature(function).parameters.values()
        named = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
        CHECKS[control] = Check(
            id=control,
            function=function,
            tables=tuple(p.name for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY),
            parameters={p.name: p.default for p in named if p.name != "as_of"},
            takes_time=any(p.name == "as_of" for p in named),
            without_scope=without_scope,
            optional=frozenset(optional),
            everywhere=everywhere,
            within=within,
            narrow=dict(narrow or {}),
            parts=Parts(("object",), by_object) if by_object else None,
        )
        return function

    return register


@dataclass(frozen=True)
class Outcome:
    """Rows that take one verdict, and what is said of them."""

    verdict: str
    mask: pd.Series
    reason: str
    reason_code: str = ""
    path: str = ""
    observed: str = ""
    expected: str = ""
    severity: str = ""
    rests_on: tuple[str, ...] = ()


def fails(
    mask: pd.Series,
    reason: str,
    *,
    path: str = "",
    observed: str = "",
    expected: str = "",
    severity: str = "",
    rests_on: Iterable[str] = (),
) -> Outcome:
    """Say which rows violate the condition.

    Parameters
    ----------
    mask
        True for the rows that do.
    reason, path, observed, expected, severity
        Texts; `{column}` takes the value of that column of the row, `{pods:pod}` a number with what it counts, and
        `{pods:runs|run}` the one of two words that goes with it: see `counting`. `severity` is that of this case where
        it is not the control's.
    rests_on
        Tables from whose lack of a row the violation is concluded. Where they are incomplete the
        row is not assessed: what was not seen may still be there.
    """
    return Outcome(FAIL, mask, reason, "", path, observed, expected, severity, tuple(rests_on))


def reviews(
    mask: pd.Series,
    reason: str,
    *,
    path: str = "",
    observed: str = "",
    severity: str = "",
    rests_on: Iterable[str] = (),
) -> Outcome:
    """Say which rows a person must judge, with the question and what to look at."""
    return Outcome(REVIEW, mask, reason, path=path, observed=observed, severity=severity, rests_on=tuple(rests_on))


def not_assessed(mask: pd.Series, reason: str, *, code: str, rests_on: Iterable[str] = ()) -> Outcome:
    """Say which rows cannot be judged although their tables are complete, and why."""
    return Outcome(NOT_ASSESSED, mask, reason, code, rests_on=tuple(rests_on))


def not_applicable(mask: pd.Series, reason: str) -> Outcome:
    """Say which rows the control does not speak of."""
    return Outcome(NOT_APPLICABLE, mask, reason)


def judge(
    examined: pd.DataFrame,
    *outcomes: Outcome,
    passes: str,
    object: str = "object",  # noqa: A002 - `object` is the kit's word for it
    member: str = "",
    path: str = "",
    observed: str = "",
    expected: str = "",
    evidence: str = "",
) -> pd.DataFrame:
    """Give every examined row a verdict.

    Parameters
    ----------
    examined
        One row per object, or per part of it, that the check looked at: those that pass as well.
    outcomes
        Made by `fails`, `reviews`, `not_assessed`, `not_applicable`. A row that several claim takes
        the first of `DECIDES`, then the first given; a row that none claims passes.
    passes
        Reason of the rows that pass; `{column}` takes the value of that column.
    object, member
        Columns that hold the object judged and the part of it that the row speaks of.
    path, observed, expected
        Texts for rows whose outcome gives none; `{column}` as above.
    evidence
        Column that holds further objects the verdict rests on, joined by spaces.

    Returns
    -------
    pandas.DataFrame
        Table `judgements`, one row per examined row.
    """
    default = Outcome(PASS, pd.Series(True, index=examined.index), passes)
    order = sorted(outcomes, key=lambda outcome: DECIDES.index(outcome.verdict))
    chosen = pd.Series(len(order), index=examined.index)
    for number, outcome in reversed(list(enumerate(order))):
        if outcome.mask.any():
            chosen = chosen.mask(outcome.mask.fillna(False).astype(bool), number)
    told = [*order, default]
    asked = {name for name in (object, member, evidence) if name}
    texts = ((each.reason, each.severity, *_details(each, path, observed, expected)) for each in told)
    named = _named(chain.from_iterable(texts))
    rows = []
    for values, number in zip(_texts(examined, asked, named), chosen.tolist(), strict=True):
        outcome = told[number]
        where, found, wanted = _details(outcome, path, observed, expected)
        rows.append(
            {
                "object": values[object],
                "member": values[member] if member else "",
                "verdict": outcome.verdict,
                "reason": outcome.reason.format_map(values),
                "reason_code": outcome.reason_code,
                "path": where.format_map(values),
                "observed": found.format_map(values),
                "expected": wanted.format_map(values),
                "severity": outcome.severity.format_map(values),
                "rests_on": " ".join(outcome.rests_on),
                "evidence": values[evidence] if evidence else "",
            }
        )
    return JUDGEMENTS.frame(rows)


def _details(outcome: Outcome, path: str, observed: str, expected: str) -> tuple[str, str, str]:
    """Return the texts of an outcome beside its reason: its own, or those of all rows."""
    return outcome.path or path, outcome.observed or observed, outcome.expected or expected


def _named(texts: Iterable[str]) -> dict[str, bool]:
    """Return the columns that texts take values of, and whether any takes what they count."""
    found: dict[str, bool] = {}
    for text in set(texts):
        for _, name, counts, _ in Formatter().parse(text):
            if name is not None:
                found[name] = found.get(name, False) or bool(counts)
    return found


def _texts(examined: pd.DataFrame, columns: set[str], named: Mapping[str, bool]) -> Iterator[dict[str, str]]:
    """Yield for every row its cells in these columns and those that texts name, as they stand in a sentence."""
    held = examined[[name for name in examined.columns if name in columns or name in named]]
    counts = [name for name in held.columns if named.get(name)]
    for row in rows_of(held) if len(held.columns) else [{}] * len(held):
        values = {name: value if isinstance(value, str) else _shown(value) for name, value in row.items()}
        yield values | {name: Count(values[name]) for name in counts}


def to_give(*names: str) -> str:
    """Return the words that say how to give one of several inputs, fit for a reason: braces stand for themselves."""
    commands = "; or ".join(INPUTS[name].command for name in names)
    return f"to give it: {commands}".replace("{", "{{").replace("}", "}}")


def texts_for(keys: pd.Series, texts: pd.Series) -> pd.Series:
    """Return for each key the text that stands under it in another series, "" where none does."""
    by_key = texts.to_dict()
    return pd.Series([by_key.get(key, "") for key in keys], index=keys.index, dtype="str")


def _shown(value: Any) -> str:
    """Return a cell as it stands in a sentence: no nulls, no needless decimals."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "unknown"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def describe(each: Check) -> dict[str, str]:
    """Return what the documentation says of a check's inputs: tables, kinds, inputs beside the cluster, parameters."""
    return {
        "tables": " ".join(each.tables),
        "kinds": " ".join(sorted({kind.kind for kind in each.kinds})),
        "inputs": " ".join(each.inputs),
        "parameters": " ".join(f"{name}={value}" for name, value in sorted(each.parameters.items())),
    }
