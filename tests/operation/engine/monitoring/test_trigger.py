"""The trigger: each reason at its limit, what keeps from training, and what must last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.models import Monitor
from operation.engine.monitoring.trigger import Check, Reason, Signals, decide, is_quiet, period_of, reasons

NOW = datetime(2026, 7, 31, 12, tzinfo=UTC)
CALM = Signals(NOW, 1500, 1500, "a" * 64, NOW - timedelta(days=30), "no drift", (), "no drift", (0.1, 0.1))
WORSE = replace(CALM, decay="drift", loss=(0.1, 0.2))
DRIFTED = replace(CALM, drift="drift", changed=("feature temp",))


def settings(**changes: Any) -> Monitor:
    return Monitor.model_validate({name.replace("_", "-"): value for name, value in changes.items()})


def check(
    days: float, rows: int = 1000, seen: tuple[str, ...] = (), trained: bool = False, minutes: float = 0
) -> Check:
    return Check(NOW - timedelta(days=days), rows, frozenset(seen), trained, minutes)


TRAINED = check(10, trained=True, minutes=5)


def sides(rules: Monitor, signals: Signals, past: list[Check]) -> dict[str, str]:
    return {reason.name: reason.side for reason in reasons(rules, signals, past)}


@pytest.mark.parametrize(
    ("name", "rules", "signals", "past", "side"),
    [
        ("champion", {}, Signals(NOW, 1500, 1500), [], "for"),
        ("new data", {"new_share": 0.5}, CALM, [TRAINED], "for"),
        ("new data", {"new_share": 0.51}, CALM, [TRAINED], "neither"),
        ("new data", {"new_share": 0.1}, CALM, [], "neither"),
        ("drift", {"debounce": 1}, DRIFTED, [], "for"),
        ("drift", {"debounce": 1}, replace(DRIFTED, drift="undecided"), [], "neither"),
        ("drift", {"debounce": 1}, replace(DRIFTED, drift=""), [], "neither"),
        ("decay", {"debounce": 1}, WORSE, [], "for"),
        ("decay", {"debounce": 1}, replace(WORSE, loss=(0.2, 0.1)), [], "neither"),
        ("age", {"max_age_days": 29.9}, CALM, [], "for"),
        ("age", {"max_age_days": 30}, CALM, [], "neither"),
        ("schedule", {"every": "month"}, CALM, [], "neither"),
        ("schedule", {"every": "month"}, CALM, [check(31, trained=True)], "for"),
        ("schedule", {"every": "week"}, CALM, [TRAINED], "for"),
        ("rows", {"min_rows": 1501}, CALM, [], "against"),
        ("rows", {}, replace(CALM, rows=1000), [TRAINED], "against"),
        ("cooldown", {"cooldown_days": 10.1}, CALM, [TRAINED], "against"),
        ("cooldown", {"cooldown_days": 10}, CALM, [TRAINED], "neither"),
        ("budget", {"cpu_minutes": 9.9}, CALM, [TRAINED], "against"),
        ("budget", {"cpu_minutes": 10}, CALM, [TRAINED], "neither"),
        ("budget", {"cpu_minutes": 9.9, "budget_days": 10}, CALM, [TRAINED], "neither"),
        ("quiet hours", {"quiet_hours": ["11:00-12:30"]}, CALM, [], "against"),
        ("quiet hours", {"quiet_hours": ["12:30-11:00"]}, CALM, [], "neither"),
    ],
)
def test_each_reason_speaks_at_its_limit_and_not_before(
    name: str, rules: dict[str, Any], signals: Signals, past: list[Check], side: str
) -> None:
    assert sides(settings(**rules), signals, past)[name] == side


def test_what_is_noisy_must_be_seen_in_checks_in_a_row() -> None:
    rules = settings(debounce=3)
    seen = [check(3, seen=("drift",)), check(2, seen=("drift", "decay"))]
    assert sides(rules, DRIFTED, seen)["drift"] == "for"
    assert sides(rules, WORSE, seen)["decay"] == "neither"
    assert sides(rules, DRIFTED, [*seen, check(1)])["drift"] == "neither"
    (drift,) = [reason for reason in reasons(rules, DRIFTED, seen[1:]) if reason.name == "drift"]
    assert drift.text == "drift of feature temp, in 2 of the 3 checks in a row that count"


def test_what_was_seen_before_a_training_does_not_count() -> None:
    rules = settings(debounce=2)
    seen = [check(3, seen=("drift",)), check(2, seen=("drift",), trained=True)]
    assert sides(rules, DRIFTED, seen)["drift"] == "neither"
    assert sides(rules, DRIFTED, [*seen, check(1, seen=("drift",))])["drift"] == "for"


def test_the_sentence_names_both_sides() -> None:
    young, old = Reason("age", "neither", "young"), Reason("age", "for", "old")
    assert decide([young]) == (False, "Wait: nothing speaks for training.")
    assert decide([old]) == (True, "Train: old.")
    assert decide([old, Reason("budget", "against", "spent")]) == (False, "Wait: spent (against: old).")


def test_no_champion_is_reason_enough_but_for_what_keeps_from_training() -> None:
    first = Signals(NOW, 1500, 1500)
    assert decide(reasons(settings(), first, []))[0]
    assert not decide(reasons(settings(min_rows=2000), first, []))[0]
    assert not decide(reasons(settings(cooldown_days=30), first, [TRAINED]))[0]


@given(
    checks=st.lists(
        st.tuples(st.floats(0.1, 100), st.integers(1, 2000), st.booleans(), st.booleans()), max_size=9
    ),
    drifted=st.booleans(),
)
def test_it_never_trains_within_the_cooldown_nor_beyond_the_budget(
    checks: list[tuple[float, int, bool, bool]], drifted: bool
) -> None:
    rules = settings(debounce=1, cooldown_days=20, cpu_minutes=6, budget_days=50, new_share=0.01)
    past = [
        check(d, n, ("drift",) * seen, trained, 3.0) for d, n, seen, trained in sorted(checks, reverse=True)
    ]
    if decide(reasons(rules, DRIFTED if drifted else CALM, past))[0]:
        trainings = [earlier.time for earlier in past if earlier.trained]
        assert all(NOW - time >= timedelta(days=20) for time in trainings)
        assert sum(NOW - time < timedelta(days=50) for time in trainings) * 3 + 3 <= 6 or not trainings


def test_quiet_hours_reach_over_midnight() -> None:
    late, early = datetime(2026, 7, 31, 23), datetime(2026, 7, 31, 5, 59)
    assert is_quiet(late, "22:00-06:00")
    assert is_quiet(early, "22:00-06:00")
    assert not is_quiet(NOW, "22:00-06:00")


def test_periods_change_when_they_are_over() -> None:
    march, april = datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    assert {
        every: period_of(march, every) != period_of(april, every)
        for every in ("week", "month", "quarter", "year")
    } == {
        "week": False,
        "month": True,
        "quarter": True,
        "year": False,
    }
