"""Differences between executions, in the words that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from operation.engine import configuration
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import differences
from operation.engine.steps import history
from operation.engine.steps.runners import child_process, in_process
from operation.engine.steps.session import Session
from operation.engine.steps.why import LookingSession, explain
from tests.operation.engine.conftest import write

BASE: dict[str, Any] = {
    "script": "a.py",
    "sources": {"a.py": {"<module>": "1" * 64, "fit": "2" * 64}},
    "arguments": {"rate": 0.1, "slices": ["x"]},
    "inputs": {"table": "3" * 64},
    "python": "3.11.7",
    "lock": "4" * 64,
    "packages": {"numpy": "2.3.2"},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"sources": {"a.py": {"<module>": "1" * 64, "fit": "5" * 64}}}, ["src/a.py: fit() changed"]),
        ({"sources": {"a.py": {"<module>": "1" * 64}}}, ["src/a.py: fit() removed"]),
        ({"sources": {**BASE["sources"], "b.py": {"<module>": "1"}}}, ["src/b.py: <module> added"]),
        ({"arguments": {"rate": 0.2, "slices": ["x"]}}, ["argument --rate: 0.1 -> 0.2"]),
        ({"arguments": {"slices": ["x"]}}, ["argument --rate: 0.1 -> not there"]),
        ({"inputs": {"table": "6" * 64}}, ["input table has other content (333333333333 -> 666666666666)"]),
        ({"lock": "7" * 64, "packages": {"numpy": "2.4.0"}}, ["package numpy: 2.3.2 -> 2.4.0"]),
        ({"lock": "7" * 64}, ["package requirements.lock: 444444444444 -> 777777777777"]),
        ({"python": "3.11.8"}, ["python: 3.11.7 -> 3.11.8"]),
    ],
)
def test_each_kind_of_difference_is_said(change: dict[str, Any], said: list[str]) -> None:
    assert [str(one) for one in differences(BASE, {**BASE, **change})] == said


def _explain(layout: Layout, step: str, named: dict[str, Any] | None = None) -> Any:
    return explain(layout, configuration.load(layout=layout), step, named)


def _run(layout: Layout, step: str, **given: object) -> None:
    Session(configuration.load(layout=layout), layout, in_process).step(step, given)


def test_a_step_that_never_ran_waits_for_what_it_needs(tiny: Layout) -> None:
    found = _explain(tiny, "double")
    assert (found.last, found.now, found.waiting_for) == (None, "unknown", "count")


def test_nothing_is_executed_by_looking(tiny: Layout) -> None:
    session = LookingSession(configuration.load(layout=tiny), tiny, child_process)
    with pytest.raises(WorkbenchError, match="count is not in the store"):
        session.step("double")
    assert not tiny.store.exists()


def test_the_changed_function_is_named(tiny: Layout) -> None:
    _run(tiny, "double")
    assert (_explain(tiny, "double").now, list(_explain(tiny, "double").differs)) == ("reused", [])
    double = tiny.src / "double.py"
    double.write_text(double.read_text().replace("count * 2", "count * 3"))
    found = _explain(tiny, "double")
    assert (found.now, [str(one) for one in found.differs]) == ("executed", ["src/double.py: main() changed"])
    _run(tiny, "double")
    again = _explain(tiny, "double")
    assert (again.now, [str(one) for one in again.was]) == ("reused", ["src/double.py: main() changed"])


def test_the_changed_package_is_named(tiny: Layout) -> None:
    _run(tiny, "count")
    write(tiny, "requirements.lock", "one==1.1\n")
    assert [str(one) for one in _explain(tiny, "count").differs] == ["package one: 1.0 -> 1.1"]


def test_a_variant_does_not_count_as_the_last_execution(tiny: Layout) -> None:
    _run(tiny, "count")
    _run(tiny, "count", factor=7)
    assert list(_explain(tiny, "count").differs) == []


def test_a_named_run_is_compared_with(tiny: Layout) -> None:
    _run(tiny, "count")
    record = history.read(tiny, "tiny", "DEV", "count")[-1]
    other = {
        **record,
        "components": {
            **record["components"],
            "arguments": {**record["components"]["arguments"], "factor": 9.0},
        },
    }
    assert [str(one) for one in _explain(tiny, "count", other).differs] == ["argument --factor: 9.0 -> 1.0"]


def test_half_a_line_of_history_is_passed_over(tiny: Layout) -> None:
    _run(tiny, "count")
    path = tiny.runs / "history" / "tiny.DEV.count.jsonl"
    path.write_text(path.read_text() + '{"step": "cou')
    assert len(history.read(tiny, "tiny", "DEV", "count")) == 1
