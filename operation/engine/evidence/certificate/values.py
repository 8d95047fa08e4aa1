"""The first place where two files part: a cell of a table, a path in JSON, an attribute of a model."""

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import read_parquet


def first_difference(first: Path, second: Path) -> str:
    """Return where `first` and `second`, which differ in bytes, differ in content.

    Parameters
    ----------
    first, second : Path
        Two files of the same name; ``.pickle`` files must be ours: they are loaded.

    Returns
    -------
    str
        ``row 3, column x: 1 is not 2``, ``rows.0.name: ...``, ``byte 17``.
    """
    try:
        difference = next(_contents(first, second), None)
    except RecursionError:  # an object that holds itself
        difference = None
    return difference or next(_bytes(first.read_bytes(), second.read_bytes()), "equal")


def _contents(first: Path, second: Path) -> Iterator[str]:
    match first.suffix:
        case ".parquet":
            yield from _tables(read_parquet(first), read_parquet(second))
        case ".json":
            yield from _parts("", *(json.loads(path.read_text(encoding="utf-8")) for path in (first, second)))
        case ".pickle":
            yield from _parts("model", *(pickle.loads(path.read_bytes()) for path in (first, second)))


def _tables(left: Any, right: Any) -> Iterator[str]:
    if list(left.columns) != list(right.columns):
        yield f"columns {list(left.columns)} are not {list(right.columns)}"
    elif len(left) != len(right):
        yield f"{len(left)} rows are not {len(right)}"
    else:
        for name in left.columns:
            yield from _columns(name, left[name], right[name])


def _columns(name: str, left: Any, right: Any) -> Iterator[str]:
    if left.dtype != right.dtype:
        yield f"column {name}: {left.dtype} is not {right.dtype}"
        return
    equal = (left.astype(object) == right.astype(object)) | (left.isna() & right.isna())
    for row in (~equal).to_numpy().nonzero()[0][:1]:
        yield f"row {row}, column {name}: {left.iloc[row]} is not {right.iloc[row]}"


def _parts(name: str, left: Any, right: Any) -> Iterator[str]:
    """Walk two objects side by side."""
    if type(left) is not type(right):
        yield f"{name}: {type(left).__name__} is not {type(right).__name__}"
    elif isinstance(left, dict):
        for key in sorted({*left, *right}, key=str):
            yield from _parts(f"{name}.{key}".lstrip("."), left.get(key), right.get(key))
    elif isinstance(left, list | tuple):
        if len(left) != len(right):
            yield f"{name}: {len(left)} items are not {len(right)}"
        for index, pair in enumerate(zip(left, right, strict=False)):
            yield from _parts(f"{name}.{index}", *pair)
    elif isinstance(left, set | frozenset):
        yield from _parts(name, sorted(left, key=str), sorted(right, key=str))
    elif type(left).__module__ == "numpy" and hasattr(left, "tobytes"):
        yield from _arrays(name, left, right)
    elif isinstance(left, str | int | float | complex | bytes | None) or hasattr(left, "__qualname__"):
        both_nan = left != left and right != right  # noqa: PLR0124 - only NaN differs from itself
        if left != right and not both_nan:
            yield f"{name}: {left} is not {right}"
    elif getattr(left, "__dict__", None):
        yield from _parts(name, vars(left), vars(right))
    else:
        yield from _states(name, left, right)


def _arrays(name: str, first: Any, second: Any) -> Iterator[str]:
    import numpy as np

    left, right = np.atleast_1d(np.asarray(first)), np.atleast_1d(np.asarray(second))
    if left.shape != right.shape or left.dtype != right.dtype:
        yield f"{name}: {left.dtype} of shape {left.shape} is not {right.dtype} of shape {right.shape}"
    elif left.dtype.hasobject:
        yield from _parts(name, left.tolist(), right.tolist())
    elif left.tobytes() != right.tobytes():
        indices = np.ndindex(left.shape)
        index = next(index for index in indices if left[index].tobytes() != right[index].tobytes())
        yield f"{name}{list(index)}: {left[index]} is not {right[index]}"


def _states(name: str, left: Any, right: Any) -> Iterator[str]:
    """Compare what pickle would write of objects that keep their state in C."""
    try:
        states = left.__reduce_ex__(4), right.__reduce_ex__(4)
    except TypeError:  # it cannot be pickled by itself
        return
    if all(isinstance(state, tuple) for state in states):
        yield from _parts(name, *(list(state[1:3]) for state in states))


def _bytes(left: bytes, right: bytes) -> Iterator[str]:
    for index, (own, other) in enumerate(zip(left, right, strict=False)):
        if own != other:
            yield f"byte {index}: {own:#04x} is not {other:#04x}"
    if len(left) != len(right):
        yield f"{len(left)} bytes are not {len(right)}"
