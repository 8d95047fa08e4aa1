"""The first value in which two files part."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from operation.engine.evidence.certificate.values import first_difference


class Fitted:
    """A model."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def _difference(folder: Path, name: str, *contents: bytes) -> str:
    paths = [folder / f"{index}-{name}" for index in range(2)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return first_difference(*paths)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "a.1: 2 is not 3"),
        ({"a": float("nan"), "b": 1}, {"a": float("nan"), "b": 2}, "b: 1 is not 2"),
        ({"a": 1}, {"a": 1.0}, "a: int is not float"),
        ({"a": [1]}, {"a": [1, 2]}, "a: 1 items are not 2"),
        ({"a": 1}, {"a": 1, "b": None}, "byte 7: 0x7d is not 0x2c"),
    ],
)
def test_of_documents(tmp_path: Path, one: object, other: object, said: str) -> None:
    assert _difference(tmp_path, "a.json", *(json.dumps(x).encode() for x in (one, other))) == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"x": [1.0, None, 2.0]}, {"x": [1.0, None, 3.0]}, "row 2, column x: 2.0 is not 3.0"),
        ({"x": ["a", "b"]}, {"x": ["a", "c"]}, "row 1, column x: b is not c"),
        ({"x": [1]}, {"y": [1]}, "columns ['x'] are not ['y']"),
        ({"x": [1]}, {"x": [1, 2]}, "1 rows are not 2"),
        ({"x": [1]}, {"x": [1.0]}, "column x: int64 is not float64"),
        (
            {"x": pd.Categorical(["a", "b"])},
            {"x": pd.Categorical(["a", "c"])},
            "column x: category is not category",
        ),
    ],
)
def test_of_tables(tmp_path: Path, one: Any, other: Any, said: str) -> None:
    for index, content in enumerate((one, other)):
        pd.DataFrame(content).to_parquet(tmp_path / f"{index}.parquet")
    assert first_difference(tmp_path / "0.parquet", tmp_path / "1.parquet") == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"c": np.array([1.0, 2.0])}, {"c": np.array([1.0, 2.5])}, "model.c[1]: 2.0 is not 2.5"),
        (
            {"names": np.array(["a", "b"], dtype=object), "c": 1},
            {"names": np.array(["a", "b"], dtype=object), "c": 2},
            "model.c: 1 is not 2",
        ),
        (
            {"kind": int, "c": float("nan"), "d": 1},
            {"kind": int, "c": float("nan"), "d": 2},
            "model.d: 1 is not 2",
        ),
        (
            {"state": np.random.RandomState(1)},
            {"state": np.random.RandomState(1), "z": 0},
            "model.z: NoneType is not int",
        ),
        ({"words": {"b", "a"}}, {"words": {"a", "c"}}, "model.words.1: b is not c"),
    ],
)
def test_of_models(tmp_path: Path, one: Any, other: Any, said: str) -> None:
    contents = (pickle.dumps(Fitted(**parts)) for parts in (one, other))
    assert _difference(tmp_path, "model.pickle", *contents) == said


def test_of_anything_else(tmp_path: Path) -> None:
    assert _difference(tmp_path, "a.png", b"abc", b"abd") == "byte 2: 0x63 is not 0x64"
    assert _difference(tmp_path, "a.png", b"abc", b"abcd") == "3 bytes are not 4"
