"""Results that stand in for steps: what is between them and the called step is executed on them."""

from __future__ import annotations

import re
from types import ModuleType

import pytest

from operation.engine.foundation import run_folder
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import DOUBLE, USE_CASE, write

GROW = DOUBLE.replace("Double", "Grow").replace("count * 2", "count + 100").replace('"doubled"', '"letters"')
BETWEEN = """
      grow:
        inputs: {counted: count.result}
      double:
        inputs: {counted: grow.result}
      count_other:
        script: count.py
        inputs: {text: data/other.txt}
"""


@pytest.fixture
def inserted(core: ModuleType, tiny: Layout) -> ModuleType:
    """`core` of the tiny project with the step `grow` between `count` and `double`."""
    write(tiny, "src/grow.py", GROW)
    write(tiny, "data/other.txt", "abcdefg")
    head = USE_CASE.partition("      double:")[0]
    write(tiny, "configuration/configuration-tiny.yml", head + BETWEEN.removeprefix("\n"))
    core.use()
    return core


def test_steps_between_are_executed_on_the_stand_in(inserted: ModuleType) -> None:
    assert inserted.double().metrics == {"doubled": 210.0}
    assert inserted.double(using=inserted.count(factor=2)).metrics == {"doubled": 220.0}
    assert inserted.double(counted=inserted.count(factor=2).result).metrics == {"doubled": 20.0}


def test_another_step_may_stand_in_by_name(inserted: ModuleType) -> None:
    assert inserted.double(using={"count": inserted.count_other()}).metrics == {"doubled": 214.0}


def test_the_configured_result_stands_in_without_another_key(inserted: ModuleType) -> None:
    configured = inserted.double()
    again = inserted.double(using=[inserted.count()])
    assert (again.key, again.how) == (configured.key, "reused")


def test_an_input_is_what_the_use_case_hands_over(inserted: ModuleType) -> None:
    assert inserted.double.input("counted").json("metrics") == {"letters": 105.0}
    counted = inserted.count(factor=2)
    assert inserted.double.input("counted", using=counted).json("metrics") == {"letters": 110.0}
    assert inserted.count.input("text").path.read_text() == "abc de"


def test_what_a_stand_in_reaches_is_not_recorded_as_configured(
    inserted: ModuleType, tiny: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder.new(tiny.runs, "tiny", "DEV")
    monkeypatch.setenv(run_folder.VARIABLE, str(folder.path))
    inserted.use("tiny", "DEV")
    inserted.double(using=inserted.count(factor=2))
    inserted.double()
    assert [(record["step"], record["as_configured"]) for record in folder.records()] == [
        ("count", False),
        ("grow", False),
        ("double", False),
        ("count", True),
        ("grow", True),
        ("double", True),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "core.double(using=core.count_other())",
            "using: 'double' does not read 'count_other', only count and grow. To compare, name the step "
            "that the result of 'count_other' stands in for: using={'grow': ...}.",
        ),
        (
            "core.double(using=[core.grow(), core.count()])",
            "using: 'double' does not read 'count', only grow. To compare, name the step "
            "that the result of 'count' stands in for: using={'grow': ...}.",
        ),
        (
            "core.double(using=[core.count(), core.count(factor=2)])",
            "using: two results stand in for 'count'. Leave one out.",
        ),
        (
            "core.double(using=core.count().result)",
            "using: expected the whole result of a step, as core.train() returns it, not Output.",
        ),
        (
            "core.double(using={'cuont': core.count()})",
            "the use case 'tiny' has no step 'cuont'. Did you mean 'count'? It has: count, grow, double, "
            "count_other.",
        ),
        (
            "core.double.input('conted')",
            "step 'double' of the use case 'tiny' has no input 'conted'. Did you mean 'counted'?",
        ),
        (
            "core.double.input('mode')",
            "step 'double' of the use case 'tiny' has no input 'mode'. It has: counted.",
        ),
    ],
)
def test_what_cannot_stand_in_is_refused(inserted: ModuleType, call: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        eval(call, {"core": inserted})
