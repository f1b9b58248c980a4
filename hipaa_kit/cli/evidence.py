"""The command that asks whether evidence is unaltered."""

from __future__ import annotations

import argparse
import json
from typing import Any

from hipaa_kit.cli.terminal import make_verb
from hipaa_kit.errors import EXIT_DONE, EXIT_MISMATCH
from hipaa_kit.printable import printable


def add_evidence_verbs(verbs: Any) -> None:
    """Declare the command."""
    verb = make_verb(verbs, "verify", _run_verify, "say whether an evidence bundle is as it was written")
    verb.add_argument("bundle", help="folder of the bundle")
    verb.add_argument(
        "--digest", default="", metavar="SHA256", help="evidence digest that was written down when the bundle was made"
    )
    verb.add_argument("-f", "--format", default="text", choices=("text", "json"), help="text (default) or json")


def _run_verify(arguments: argparse.Namespace) -> int:
    from hipaa_kit.evidence.verify import verify

    found = verify(arguments.bundle)
    expected = arguments.digest.strip().lower()
    other = bool(expected) and expected != found.found_digest
    if arguments.format == "json":
        print(json.dumps(found.answer(), indent=1, sort_keys=True))
    else:
        for name, state in sorted(found.problems.items()):
            print(f"{state:10}  {printable(name)}")
        said = "as its manifests say" if found.intact else "NOT as its manifests say"
        print(f"{found.files} files, {said}; evidence digest {found.found_digest}")
        if other:
            print("that is NOT the digest that was written down")
        elif not expected:
            print("hold this digest against the one that was written down when the bundle was made (--digest)")
    return EXIT_DONE if found.intact and not other else EXIT_MISMATCH
