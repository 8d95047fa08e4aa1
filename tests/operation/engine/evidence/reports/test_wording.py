from __future__ import annotations

import doctest
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.evidence.reports import charts, markup, prose, step_record, styles, wording


@pytest.mark.parametrize("module", [charts, markup, prose, step_record, styles, wording])
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
        (float("nan"), "–"),
    ],
)
def test_duration_at_its_edges(seconds: float | None, words: str) -> None:
    assert wording.duration(seconds) == words


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_every_value_has_words(value: object) -> None:
    assert isinstance(wording.number(value), str)


@given(st.text())
def test_every_text_is_a_moment_or_itself(text: str) -> None:
    assert wording.moment(text).endswith("UTC") or wording.moment(text) in {text, "–"}
