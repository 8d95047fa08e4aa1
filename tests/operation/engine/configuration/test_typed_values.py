"""Values as people type them, by the annotation."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.typed_values import read_typed
from operation.engine.identity.annotations import fits, is_json


@pytest.mark.parametrize(
    ("text", "annotation", "default", "value"),
    [
        ("1e-3", "float", 0.1, 0.001),
        ("1e-3", "float | None", None, 0.001),
        ("1e-05", "Optional[float]", None, 1e-05),
        ("5", "float", 0.1, 5),
        ("010", "int", 1, "010"),
        ("1:30", "int", 1, "1:30"),
        ("0x10", "int", 1, "0x10"),
        ("1_000", "int", 1, "1_000"),
        ("010", "str", "", "010"),
        ("010", "", "x", "010"),
        ("2024-02-01", "", "2024-01-31", "2024-02-01"),
        ("2024-02-01", "", None, "2024-02-01"),
        ("yes", "bool", True, "yes"),
        ("true", "bool", False, True),
        ("", "str", "x", ""),
        ("", "str | None", None, None),
        ("null", "str", "x", "null"),
        ("null", "str | None", None, None),
        ("None", "float | None", None, None),
        ("'null'", "str | None", None, "null"),
        (".nan", "float", 0.5, ".nan"),
        ("1e999", "float", 0.5, "1e999"),
        ("[1, 2e0]", "list[float]", [], [1, 2.0]),
        ("[1, 010]", "list", [], [1, "010"]),
        ("[a, b]", "", [], ["a", "b"]),
        ("[a", "str", "", "[a"),
        ("{depth: 3, names: [a]}", "", {}, {"depth": 3, "names": ["a"]}),
        ("{depth: 3}", "dict[str, int]", {}, {"depth": 3}),
        ("5", "int | str", 1, 5),
        ("x", "int | str", 1, "x"),
        ("*x", "int", 1, "*x"),
    ],
)
def test_values(text: str, annotation: str, default: object, value: object) -> None:
    found = read_typed(text, annotation, default)
    assert found == value
    assert type(found) is type(value)


@given(st.text(max_size=12), st.sampled_from(["", "str", "int", "float | None", "list[int]", "dict", "bool"]))
def test_whatever_is_typed_is_a_value_of_json(text: str, annotation: str) -> None:
    found = read_typed(text, annotation)
    json.dumps(found, allow_nan=False)
    assert is_json(found)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("Optional[List[int]]", [1], True),
        ("Union[int, str]", 1.5, False),
        ("Literal['a', 'b']", "b", True),
        ("Literal['a', 'b']", "c", False),
        ("dict[str, float]", {"a": 1}, True),
        ("dict[str, float]", {"a": "x"}, False),
        ("tuple[int, str]", [1, "a"], True),
        ("tuple[int, str]", ["a", 1], False),
        ("datetime.date", "2024-01-31", True),
        ("list[int | None]", [1, None], True),
    ],
)
def test_annotations(annotation: str, value: object, expected: bool) -> None:
    assert fits(annotation, value) is expected
