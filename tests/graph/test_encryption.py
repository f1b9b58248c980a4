"""What encrypts a flow, where one row of traffic stands for several ends."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hipaa_kit.assess.facade import Assessment
from hipaa_kit.inventory.registry import BUILDERS
from hipaa_kit.tables.transit import FLOW_ENCRYPTION
from tests.safeguards.test_cases import scope, snapshot

CASES = Path(__file__).parent.parent / "safeguards" / "encryption" / "HK-ENC-12"


def encrypted_by(case: str, source_others: int, destination_others: int = 0) -> set[str]:
    """Return what encrypts the flow to the database of a case, were it a row that stands for more ends."""
    run = Assessment(snapshot(CASES / case), scope(CASES / case))
    traffic = run.tables["ephi_traffic"]
    traffic = traffic[traffic["destination"] == "Pod/ehr/db"]
    given: dict[str, pd.DataFrame] = {
        "ephi_traffic": traffic.assign(source_others=source_others, destination_others=destination_others)
    }
    builder = BUILDERS["flow_encryption"]
    needs = [given[name] if name in given else run.tables[name] for name in builder.tables]
    rows = FLOW_ENCRYPTION.frame(builder.function(run.snapshot, *needs))
    return set(rows["encrypted_by"])


@pytest.mark.parametrize(
    ("case", "alone", "for_more"),
    [
        ("wireguard_of_cilium_passes", "wireguard", "unknown"),
        ("linkerd_between_its_pods_encrypts", "mesh", "unknown"),
        ("a_client_that_is_known_to_refuse_plain_text_passes", "app-tls", "unknown"),
        ("a_strict_mesh_encrypts", "mesh", "mesh"),
        ("tls_that_a_probe_shows_passes", "app-tls", "app-tls"),
        ("kindnet_fails", "none", "none"),
    ],
)
def test_ends_that_stand_together_are_sure_only_by_the_one_that_answers(case: str, alone: str, for_more: str) -> None:
    assert encrypted_by(case, 0) == {alone}
    assert encrypted_by(case, 3) == {for_more}


@pytest.mark.parametrize("case", ["a_strict_mesh_encrypts", "tls_that_a_probe_shows_passes"])
def test_nothing_is_sure_where_those_that_answer_stand_together(case: str) -> None:
    assert encrypted_by(case, 0, 2) == {"unknown"}
