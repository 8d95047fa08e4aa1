"""What is written is read back the same by PyYAML and by us."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.documents import parse_document
from operation.engine.delivery.scaffolding.schema_text import bounds
from operation.engine.delivery.scaffolding.use_case_text import comment, yaml_list, yaml_word

PRINTABLE = st.text(max_size=15).filter(str.isprintable)
WORDS = PRINTABLE | st.sampled_from(
    [
        "yes",
        "NO",
        "1e3",
        "1.0",
        "007",
        "~",
        "null",
        "2013-01-01",
        "2013-99-99",
        "12:30",
        "- a",
        "a: b",
        "#a",
        "0x1",
    ]
)


def read_twice(text: str) -> tuple[object, object]:
    document, problems = parse_document(text, "f.yml")
    assert not problems
    assert document
    return document.data["key"], yaml.safe_load(text)["key"]


@given(WORDS)
def test_text(value: str) -> None:
    assert read_twice(f"key: {yaml_word(value)}\n") == (value, value)


@given(WORDS)
def test_keys(value: str) -> None:
    document, _ = parse_document(f"{yaml_word(value)}: 1\n", "f.yml")
    assert document
    assert document.data == {value: 1} == yaml.safe_load(f"{yaml_word(value)}: 1\n")


@given(st.lists(WORDS))
def test_lists(values: list[str]) -> None:
    assert read_twice(f"key:{yaml_list(values, indent=2)}\n") == (values, values)


@given(st.text())
def test_comments_stay_on_their_line(text: str) -> None:
    assert read_twice(f"key: 1  {comment(text)}\n") == (1, 1)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (5, "5"), (0.25, "0.25"), ("a b", "a b")])
def test_values(value: str | float | bool, text: str) -> None:
    assert yaml_word(value) == text


@given(st.lists(st.floats(-1e12, 1e12) | st.integers(-(10**9), 10**9), min_size=1))
def test_what_was_seen_is_within_the_bounds(values: list[float]) -> None:
    low, high = bounds(pd.Series(values, dtype="float64"))
    assert low <= min(values)
    assert high >= max(values)
    assert (low >= 0) == (min(values) >= 0)
    assert read_twice(f"key: {yaml_word(low)}\n") == (low, low)
