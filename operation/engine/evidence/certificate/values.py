"""The first place where two files part: a cell of a table, a path in JSON, an attribute of a model."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import read_parquet


def first_difference(first: Path, second: Path) -> str:
    """Say where `first` and `second`, which differ in bytes, differ in content.

    Parameters
    ----------
    first, second : Path
        Two files of the same name; ``.pickle`` files must be ours: they are loaded.

    Returns
    -------
    str
        ``row 3, column x: 1 is not 2``, ``rows.0.name: ...``, ``byte 17``.
    """
    finders: dict[str, Callable[[Path, Path], Iterator[str]]] = {
        ".parquet": _tables,
        ".json": _documents,
        ".pickle": _models,
    }
    find = finders.get(first.suffix, _bytes)
    try:
        found = next(find(first, second), None)
    except RecursionError:  # an object that holds itself
        found = None
    return found or next(_bytes(first, second), "equal")


def _tables(first: Path, second: Path) -> Iterator[str]:
    one, other = read_parquet(first), read_parquet(second)
    if list(one.columns) != list(other.columns):
        yield f"columns {list(one.columns)} are not {list(other.columns)}"
    elif len(one) != len(other):
        yield f"{len(one)} rows are not {len(other)}"
    else:
        for column in one.columns:
            yield from _columns(column, one[column], other[column])


def _columns(name: str, one: Any, other: Any) -> Iterator[str]:
    if one.dtype != other.dtype:
        yield f"column {name}: {one.dtype} is not {other.dtype}"
        return
    left, right = one.astype(object), other.astype(object)
    unequal = ~((left == right) | (left.isna() & right.isna()))
    for row in unequal.to_numpy().nonzero()[0][:1]:
        yield f"row {row}, column {name}: {one.iloc[row]} is not {other.iloc[row]}"


def _documents(first: Path, second: Path) -> Iterator[str]:
    return _parts("", *(json.loads(path.read_text(encoding="utf-8")) for path in (first, second)))


def _models(first: Path, second: Path) -> Iterator[str]:
    return _parts("model", *(pickle.loads(path.read_bytes()) for path in (first, second)))


def _parts(name: str, one: Any, other: Any) -> Iterator[str]:
    """Walk two objects side by side."""
    if type(one) is not type(other):
        yield f"{name}: {type(one).__name__} is not {type(other).__name__}"
    elif isinstance(one, dict):
        for key in sorted({*one, *other}, key=str):
            yield from _parts(f"{name}.{key}".lstrip("."), one.get(key), other.get(key))
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{name}: {len(one)} items are not {len(other)}"
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _parts(f"{name}.{index}", left, right)
    elif isinstance(one, set | frozenset):
        yield from _parts(name, sorted(one, key=str), sorted(other, key=str))
    elif type(one).__module__ == "numpy" and hasattr(one, "tobytes"):
        yield from _arrays(name, one, other)
    elif isinstance(one, str | int | float | complex | bytes | None) or hasattr(one, "__qualname__"):
        if one != other and not (_is_nan(one) and _is_nan(other)):
            yield f"{name}: {one} is not {other}"
    elif getattr(one, "__dict__", None):
        yield from _parts(name, vars(one), vars(other))
    else:
        yield from _states(name, one, other)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _arrays(name: str, one: Any, other: Any) -> Iterator[str]:
    import numpy as np

    left, right = np.atleast_1d(np.asarray(one)), np.atleast_1d(np.asarray(other))
    if left.shape != right.shape or left.dtype != right.dtype:
        yield f"{name}: {left.dtype} of shape {left.shape} is not {right.dtype} of shape {right.shape}"
    elif left.dtype.hasobject:
        yield from _parts(name, left.tolist(), right.tolist())
    elif left.tobytes() != right.tobytes():
        places = [
            index for index in np.ndindex(left.shape) if left[index].tobytes() != right[index].tobytes()
        ]
        yield f"{name}{list(places[0])}: {left[places[0]]} is not {right[places[0]]}"


def _states(name: str, one: Any, other: Any) -> Iterator[str]:
    """Compare what pickle would write of objects that keep their state in C."""
    try:
        left, right = one.__reduce_ex__(4), other.__reduce_ex__(4)
    except TypeError:  # it cannot be pickled by itself
        return
    if isinstance(left, tuple) and isinstance(right, tuple):
        yield from _parts(name, list(left[1:3]), list(right[1:3]))


def _bytes(first: Path, second: Path) -> Iterator[str]:
    one, other = first.read_bytes(), second.read_bytes()
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            yield f"byte {index}: {left:#04x} is not {right:#04x}"
            return
    if len(one) != len(other):
        yield f"{len(one)} bytes are not {len(other)}"
