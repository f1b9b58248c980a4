"""A policy that the API would not accept is a doubt about whatever it may select, and never an exception."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_kit.kube.network.network_policy import read_network_policy


@pytest.mark.parametrize("types", [[[]], [{}], ["Sideways"], "Ingress", [None], 7])
def test_directions_that_are_none_put_both_in_doubt(types: Any) -> None:
    read = read_network_policy("NetworkPolicy/ehr/odd", "ehr", {"spec": {"podSelector": {}, "policyTypes": types}})
    assert read.problem
    assert [doubt.directions for doubt in read.doubts] == [frozenset({"ingress", "egress"})]
