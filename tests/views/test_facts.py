"""What a run rests on, as a notebook shows it."""

import hipaa_kit
from hipaa_kit.views.facts import run_facts


def _parameters(settings: str) -> str:
    facts = run_facts(hipaa_kit.assessment("", parameters=settings))
    return facts.set_index("fact").loc["parameters set", "value"]


def test_parameters_are_named_where_the_site_set_them() -> None:
    others = len(hipaa_kit.assessment("").parameters)
    assert _parameters("").startswith(f"none; {others} stand as declared")
    assert _parameters("drill_days=100").startswith(f"drill_days = 100; {others - 1} stand as declared")


def test_what_is_set_as_it_was_declared_is_not_named() -> None:
    declared = hipaa_kit.assessment("").parameters["drill_days"]
    assert _parameters(f"drill_days={declared}") == _parameters("")
