"""Columns of deliveries: what kind of values they hold, in one spelling, and a digest of each row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from support import step
from tabular.columns import Array, are_zoned, as_array, as_times, category_texts

if TYPE_CHECKING:
    import pyarrow as pa

# what a column without a value is: it says nothing about the kind of later ones
EMPTY = "empty"
# a delivery may have numbers where an earlier one had whole ones alone: that is no other kind
_WIDER = {frozenset({"integer", "float"}): "float"}
_INFERRED = {
    "boolean": "boolean",
    "date": "time",
    "datetime": "time",
    "datetime64": "time",
    "string": "text",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "mixed-integer": "text",
}
_MOST_DIGITS = 2**53  # above it a float64 no longer tells whole numbers apart


def normalise(table: pd.DataFrame, event_time: str, where: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a delivery in one spelling of its values, and what kind each column is.

    Parameters
    ----------
    table : DataFrame of shape (rows, columns)
        As it was read; the same values may come as ``1`` or ``1.0``, times with or without a zone.
    event_time : str
        Column with the time of a row; in it text is read as time.
    where : str
        The delivery, for messages.

    Returns
    -------
    DataFrame of shape (rows, columns that hold a value)
        int64 or Int64, float64, boolean, datetime64[us] without a zone (converted to UTC) or text.
    dict of str to str
        Column -> ``integer``, ``float``, ``boolean``, ``time``, ``zoned time``, ``text`` or ``empty``.

    Raises
    ------
    StepError
        When a column holds anything else, or times with and without a zone.
    """
    columns, kinds = {}, {}
    for name in table.columns:
        try:
            column = _read_times(table[name]) if name == event_time else table[name]
            columns[name], kinds[name] = _normal(column)
        except step.StepError as error:
            raise step.StepError(f"{where}: {error}") from error
    return pd.DataFrame({name: columns[name] for name in columns if kinds[name] != EMPTY}), kinds


def _read_times(column: pd.Series) -> pd.Series:
    """Return texts as times; those with a zone as such."""
    times = as_times(column)
    zoned = are_zoned(column).all() if column.dtype == object else _is_zoned(column)
    return times.dt.tz_localize("UTC") if zoned else times


def _is_zoned(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.DatetimeTZDtype)


def _normal(column: pd.Series) -> tuple[pd.Series, str]:
    if column.isna().all():
        return column, EMPTY
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if _is_zoned(column):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).dt.as_unit("us"), "zoned time"
    kind = _kind(column)
    if kind == "time":
        return pd.to_datetime(column).astype("datetime64[us]"), kind
    if kind == "boolean":
        return column.astype("boolean"), kind
    if kind == "text":
        return pd.Series(category_texts(as_array(column)), column.index, dtype=object), kind
    return _number(column)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    kind = _INFERRED.get(pd.api.types.infer_dtype(column, skipna=True))
    if kind is None:
        example = column.dropna().iloc[0]
        content = f"holds {type(example).__name__} values such as {step.show(example)}"
        raise step.StepError(
            f"column {column.name!r} {content}: give numbers, texts, times or true and false"
        )
    return kind


def _number(column: pd.Series) -> tuple[pd.Series, str]:
    """Return whole numbers as such, also where missing values made them float64."""
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.astype("Int64"), "integer"
    numbers = pd.to_numeric(column).astype("float64") + 0.0  # no -0.0
    known = numbers.dropna()
    if ((known % 1 == 0) & (known.abs() <= _MOST_DIGITS)).all():
        return numbers.astype("Int64"), "integer"
    return numbers, "float"


def join(first: str, second: str) -> str:
    """Return the kind that holds the values of both kinds.

    >>> join("integer", "float"), join("empty", "time"), join("time", "text")
    ('float', 'time', 'text')
    """
    if EMPTY in (first, second) or first == second:
        return second if first == EMPTY else first
    return _WIDER.get(frozenset({first, second}), "text")


def join_all(kinds: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return column -> kind over several deliveries, columns in the order in which they first came."""
    joined: dict[str, str] = {}
    for of_delivery in kinds:
        for name, kind in of_delivery.items():
            joined[name] = join(joined.get(name, EMPTY), kind)
    return joined


def is_other_kind(before: str, now: str) -> bool:
    """Tell whether a column's kind has changed; whole numbers and others are one kind for a person."""
    return EMPTY not in (before, now) and join(before, now) not in {
        before,
        _WIDER.get(frozenset({before, now})),
    }


def converted(column: pd.Series, kind: str) -> pd.Series:
    """Return a column as another kind, missing where a value cannot be converted."""
    if kind == "text":
        texts = category_texts(as_array(column))
        return pd.Series(texts, column.index, dtype=object)
    if kind == "boolean":
        return column.map(lambda value: {"True": True, "False": False}.get(str(value))).astype("boolean")
    if kind in {"time", "zoned time"}:
        times = pd.to_datetime(column.astype(object), errors="coerce", utc=True, format="ISO8601")
        return times.dt.tz_localize(None).astype("datetime64[us]")
    numbers = pd.to_numeric(column.astype(object), errors="coerce")
    return numbers.astype("Int64" if kind == "integer" else "float64")


def as_read(column: pd.Series, kind: str) -> pd.Series:
    """Return a stored column as a table of these rows alone would be read: whole numbers as int64."""
    if kind == EMPTY or column.isna().all():
        return pd.Series(np.nan, column.index, dtype=object if kind == "text" else "float64")
    column = converted(column, kind) if kind != "text" else column.astype(object)
    if kind == "integer":
        return column.astype("float64" if column.isna().any() else "int64")
    if kind == "boolean":
        return column.astype(object if column.isna().any() else "bool")
    return column.astype("datetime64[ns]") if "time" in kind else column


def arrow_type(kind: str) -> pa.DataType:
    """Return the Arrow type that a kind is stored as."""
    import pyarrow as pa

    times = pa.timestamp("us")
    types = {"integer": pa.int64(), "float": pa.float64(), "boolean": pa.bool_(), "text": pa.string()}
    return {**types, "time": times, "zoned time": times}[kind]


def row_digests(table: pd.DataFrame) -> Array:
    """Return a 128-bit digest of each row of a normalised table.

    It is the sum of the digests of the row's columns, each of its name and its value as text: the same for
    1, 1.0 and "1", in any order of columns, and unchanged by columns without a value in this row. It tells
    values apart that differ by accident; it is no protection against values made to collide.

    Returns
    -------
    array of shape (rows, 2), uint64
    """
    total = np.zeros((len(table), 2), dtype="uint64")
    for name in table.columns:
        codes, values = pd.factorize(table[name])
        hashes = [_digest(f"{name}\0{text}") for text in category_texts(as_array(pd.Series(values)))]
        # the last stands for a missing value, whose code is -1
        blocks = np.frombuffer(b"".join([*hashes, bytes(16)]), dtype=">u8").reshape(-1, 2)
        total += blocks.astype("uint64")[codes]
    return total


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def digest_of(digests: Array, since: Array, kinds: Mapping[str, Any]) -> str:
    """Return the SHA-256 of rows in any order: their digests, since when each is known, the columns' kinds.

    Parameters
    ----------
    digests : array of shape (rows, 2), uint64
        As `row_digests` gives them.
    since : array of shape (rows,), int64
        Microseconds since 1970.
    kinds : mapping
        Column -> kind.
    """
    order = np.lexsort((since, digests[:, 1], digests[:, 0]))
    rows = np.column_stack([digests[order], since[order].astype("uint64")]).astype(">u8")
    columns = "".join(f"{name}\0{kind}\n" for name, kind in sorted(kinds.items()))
    return hashlib.sha256(columns.encode(errors="surrogatepass") + rows.tobytes()).hexdigest()
