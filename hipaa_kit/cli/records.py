"""The commands for what people sign: check, list, stub, due."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from hipaa_kit.cli.terminal import make_verb, now, print_table, say
from hipaa_kit.errors import EXIT_DONE, EXIT_RECORDS, InputError

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    "waivers": ("Waiver", "Decision"),
    "attest": ("Attestation", "IndependentAssessment", "RegisterEntry", "Review"),
}
COLUMNS = ["record", "disposition", "owner", "approver", "expires_on", "state", "problem"]


def add_record_verbs(verbs: Any) -> None:
    """Declare `waivers` and `attest`."""
    for name, summary in (
        ("waivers", "accepted risks and decisions: check, list, what is due, a stub to fill in"),
        ("attest", "attestations, assessments by others and registers: check, list, what is due, a stub to fill in"),
    ):
        verb = make_verb(verbs, name, _run, summary)
        verb.set_defaults(verb=name)
        verb.add_argument("action", choices=("check", "list", "due", "stub"))
        what = "finding, by its fingerprint" if name == "waivers" else "control"
        verb.add_argument("target", nargs="?", default="", metavar="PATH|ID", help=f"records; for stub: {what}")
        verb.add_argument("--snapshot", metavar="PATH", help="snapshot to hold the records against")
        verb.add_argument("--scope", help="scope.yaml; the one beside the snapshot by default")
        verb.add_argument(
            "--as-of", "--now", dest="as_of", default="", metavar="RFC3339", help="moment to judge for; now"
        )
        verb.add_argument("--days", type=int, default=30, help="for due: days ahead (default 30)")
        verb.add_argument("-f", "--format", default="text", choices=("text", "json", "csv"), help="text (default), …")
        if name == "waivers":
            verb.add_argument("--decision", action="store_true", help="for stub: a decision under 164.306(d)(3)")
        else:
            verb.add_argument("--register", metavar="NAME", help="for stub: findings, reviews or assessments")


def _run(arguments: argparse.Namespace) -> int:
    moment = arguments.as_of or now()
    if arguments.action == "stub":
        print(_stub(arguments, moment[:10]), end="")
        return EXIT_DONE
    known = _states(arguments, moment)
    if arguments.action == "due":
        try:
            last = (date.fromisoformat(moment[:10]) + timedelta(days=arguments.days)).isoformat()
        except ValueError:
            raise InputError(f"{moment!r} is no moment", "--as-of", "write it like 2026-11-01T00:00:00Z") from None
        known = known[(known["expires_on"] != "") & (known["expires_on"] <= last)]
    print_table(known, arguments.format, COLUMNS)
    fallen = int((known["state"] == "invalid").sum())
    say(f"{len(known)} records, {fallen} of them do not stand")
    return EXIT_RECORDS if arguments.action == "check" and fallen else EXIT_DONE


def _stub(arguments: argparse.Namespace, today: str) -> str:
    from hipaa_kit.assess import stubs
    from hipaa_kit.catalogue import load_catalogue

    if arguments.verb == "waivers":
        made = stubs.decision_stub if arguments.decision else stubs.waiver_stub
        return made(arguments.target, today)
    if arguments.register:
        return stubs.register_stub(arguments.register, today)
    if not arguments.target:
        raise InputError("names no control", "attest stub", "such as hipaa-kit attest stub HK-MAN-01")
    return stubs.attestation_stub(arguments.target, load_catalogue(), today)


def _states(arguments: argparse.Namespace, moment: str) -> pd.DataFrame:
    """Return the records with how each stands: by itself, or held against a snapshot."""
    from hipaa_kit.assess.opening import assessment
    from hipaa_kit.assess.standing import states_alone
    from hipaa_kit.sources.signed import load_records

    if not arguments.target:
        raise InputError("names no records", f"{arguments.verb} {arguments.action}", "give their file or folder")
    records = load_records(arguments.target)
    if arguments.snapshot:
        run = assessment(arguments.snapshot, arguments.scope, as_of=moment, records=records)
        states = run.tables["record_states"]
    else:
        states = states_alone(records, moment)
    signed = records.tables["signed_records"]
    if arguments.action == "due":
        # An entry of the register is due on the day by which its finding is to be mended.
        register = records.tables["finding_register"]
        days = register.loc[register["closed_on"] == "", ["record", "due_on"]].set_index("record")["due_on"].to_dict()
        ends = zip(signed["record"], signed["expires_on"], strict=True)
        signed = signed.assign(expires_on=[days.get(record, day) for record, day in ends])
    mine = signed[signed["kind"].isin(KINDS[arguments.verb])].merge(states, on="record")
    return mine.sort_values(["expires_on", "record"], kind="stable").reset_index(drop=True)
