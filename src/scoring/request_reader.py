"""Requests, read against the model's schema: problems are told by row and column, the first ones listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from scoring.request_values import LONGEST_SHOWN, cut, kind_of, reason, shown, value_type
from scoring.row_schema import Column
from support import step

MOST_LISTED = 100  # problems, and warnings, of one answer: the others are counted
DTYPES = {"number": "float64", "integer": "float64", "time": "datetime64[ns]"}  # of others: objects


class Malformed(Exception):
    """The request as a whole cannot be read; ``str(error)`` says why."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a request.

    Parameters
    ----------
    row : int or None
        Position in ``data``, from 0; None where the request as a whole is wrong.
    column : str or None
        Name; None where the row as a whole is wrong.
    problem : str
        What is wrong and what would be right.
    """

    row: int | None
    column: str | None
    problem: str


@dataclass
class Request:
    """What was read of a request.

    Parameters
    ----------
    given : list of mapping
        The rows as they came.
    columns : mapping of str to ndarray of shape (rows,)
        The values, as `FeatureSpec.transform` takes them; empty where there are problems.
    problems : list of Problem
        The first `MOST_LISTED` of them.
    count : int
        Of all problems.
    warnings : list of Problem
        Gaps where training had none: the first `MOST_LISTED`, then how many there are.
    """

    given: list[Mapping[str, Any]]
    columns: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0
    warnings: list[Problem] = field(default_factory=list)


class RequestReader:
    """Reads requests of one schema.

    Parameters
    ----------
    schema : mapping of str to Column
        What a row must hold.
    most_rows : int, default 10000
        Rows that one request may have.
    """

    def __init__(self, schema: Mapping[str, Column], most_rows: int = 10_000) -> None:
        self.schema, self.most_rows = dict(schema), most_rows
        typed_dict: Any = TypedDict  # mypy knows only names that are written out
        row = typed_dict("Row", {name: value_type(column) for name, column in schema.items()})
        row.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
        self._row = TypeAdapter(row)
        self._gapless = [name for name, column in schema.items() if not column.gaps]
        self._nearest_column = lru_cache(lambda name: step.nearest(name, self.schema))

    def read(self, body: str | bytes) -> Request:
        """Return the rows of ``{"data": [{column: value}]}``, in work that is linear in their size.

        Raises
        ------
        Malformed
            When the body is not such JSON in UTF-8, or has no row or too many.
        """
        request = Request(_records(parse(body), self.most_rows))
        rows: list[Mapping[str, Any]] = []
        for number, record in enumerate(request.given):
            try:
                rows.append(self._row.validate_python(record))
            except ValidationError as error:
                self._add(request, number, error)
        if not request.count:
            request.columns = {name: self._array(name, [row[name] for row in rows]) for name in self.schema}
            request.warnings = self._new_gaps(rows)
        return request

    def _array(self, name: str, values: list[Any]) -> np.ndarray[Any, Any]:
        return np.array(values, dtype=DTYPES.get(self.schema[name].kind, object))

    def _new_gaps(self, rows: list[Mapping[str, Any]]) -> list[Problem]:
        gaps = [
            (number, name)
            for number, row in enumerate(rows)
            if None in row.values()
            for name in self._gapless
            if row[name] is None
        ]
        listed = [Problem(*gap, "is null: training had no gap there") for gap in gaps[:MOST_LISTED]]
        return bounded(listed, len(gaps))

    def _add(self, request: Request, row: int, error: ValidationError) -> None:
        """Add the problems of one row, as far as they are listed."""
        left = MOST_LISTED - len(request.problems)
        request.count += error.error_count()
        if left > 0:
            details = error.errors(include_url=False)[:left]
            request.problems += [self._problem(row, detail, request.given[row]) for detail in details]

    def _problem(self, row: int, detail: Mapping[str, Any], record: Any) -> Problem:
        if not detail["loc"]:
            return Problem(row, None, f"is {kind_of(record)}, not an object of columns")
        name, value = str(detail["loc"][0]), detail["input"]
        if detail["type"] == "extra_forbidden":
            near = self._nearest_column(name[:LONGEST_SHOWN])
            return Problem(row, cut(name), f"is no column of the model{near}")
        if detail["type"] == "missing":
            near = self._renamed(name, record)
            return Problem(row, name, f"is missing{near}; null stands for an unknown value")
        return Problem(row, name, reason(self.schema[name], detail, value))

    def _renamed(self, name: str, record: Mapping[str, Any]) -> str:
        """Return the nearest of the first names that are no column of the model."""
        unknown = (other[:LONGEST_SHOWN] for other in record if other not in self.schema)
        return step.nearest(name, [other for other, _ in zip(unknown, range(MOST_LISTED), strict=False)])


def bounded(problems: list[Problem], count: int) -> list[Problem]:
    """Return the first of `count` problems, and how many were left out."""
    if count <= MOST_LISTED:
        return problems
    more = Problem(None, None, f"and {count - MOST_LISTED:,} more of this kind")
    return [*problems[:MOST_LISTED], more]


def parse(body: str | bytes) -> Any:
    """Return what JSON in UTF-8 holds: no name twice in an object, no NaN, no infinity.

    Raises
    ------
    Malformed
        When it is none.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return json.loads(text, object_pairs_hook=_record, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Malformed("the request is not JSON: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        if text.startswith("\ufeff"):
            raise Malformed("the request begins with a byte-order mark: send UTF-8 without one") from None
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the request is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise Malformed("the request is not JSON that can be read: it is nested too deeply") from None
    except ValueError:  # Python refuses to read a number of thousands of digits
        raise Malformed("the request holds a number of too many digits") from None


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Malformed(f"the name {shown(twice)} stands twice in one object")
    return record


def _refuse_constant(word: str) -> float:
    raise Malformed(f"the request is not JSON: {word} is no number; null stands for an unknown value")


def _records(document: Any, most: int) -> list[Any]:
    if not isinstance(document, dict):
        raise Malformed(f'the request is {kind_of(document)}, not an object such as {{"data": [...]}}')
    for name in document:
        if name != "data":
            raise Malformed(f"there is no field {shown(name)}{step.nearest(name[:LONGEST_SHOWN], ['data'])}")
    data = document.get("data")
    given = [data] if isinstance(data, dict) else data
    if not isinstance(given, list) or not given:
        raise Malformed('"data" must be a list of rows, each an object of columns, at least one')
    if len(given) > most:
        raise Malformed(f"{len(given)} rows are more than one request may have: {most}")
    return given
