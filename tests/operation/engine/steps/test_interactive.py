"""Steps as functions in a notebook: signature, help, completion, results."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from operation.engine.foundation.errors import ConfigurationError
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import write


def test_completion_lists_the_steps(core: ModuleType) -> None:
    assert {"count", "double", "use", "plots"} <= set(dir(core))


def test_signature_and_help_come_from_contract_and_configuration(core: ModuleType) -> None:
    assert str(inspect.signature(core.count)) == (
        "(*, text='data/text.txt', factor=1, skip=[], loud=False, using=None, fresh=False)"
    )
    assert "factor : a number, default 1\n    multiplies the count" in core.count.__doc__
    assert core.double.__doc__.startswith("Double a count\n")


def test_a_result_has_its_outputs_as_attributes_and_a_card(core: ModuleType) -> None:
    result = core.count(factor=2)
    assert result.metrics == {"letters": 10.0}
    assert result.result.json("metrics") == {"letters": 10.0}
    assert result.result.files() == ["metrics.json"]
    assert "result" in dir(result)
    assert repr(result).startswith("count executed in ")
    assert "<th scope='row' style='text-align:left'>letters</th><td>10</td>" in result._repr_html_()


def test_an_output_goes_into_the_next_step(core: ModuleType) -> None:
    assert core.double(counted=core.count(factor=2).result).metrics == {"doubled": 20.0}


def test_an_unknown_output_names_those_there_are(core: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"^count has no output 'table'; it has: result\.$"):
        _ = core.count().table


def test_an_unknown_step_names_those_there_are(core: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"^no step 'train' in use; there are: count, double\.$"):
        _ = core.train


def test_use_says_what_is_in_use_and_refuses_mistakes(core: ModuleType, tiny: Layout) -> None:
    assert core.use("tiny", "DEV") == "tiny in DEV: How many letters?"
    path = tiny.configuration / "configuration-tiny.yml"
    write(tiny, "configuration/configuration-tiny.yml", path.read_text().replace("factor:", "facktor:"))
    with pytest.raises(ConfigurationError):
        core.use("tiny", "DEV")


def test_code_that_changed_on_disk_is_what_runs(core: ModuleType, tiny: Layout) -> None:
    before = core.count().metrics["letters"]
    words = tiny.src / "words.py"
    words.write_text(words.read_text().replace("sum(1", "sum(3"))
    assert core.count().metrics["letters"] == 3 * before
