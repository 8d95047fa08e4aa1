"""Rows of a request, read against the model's schema: every problem is told by row and column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import utils
from row_schema import Column
from row_values import Refused, cut, kind_of, reader, shown

Row: TypeAlias = list[Any]  # of Value: a union would have to be told apart at each use


class Malformed(Exception):
    """The request as a whole cannot be read; ``str(error)`` says why."""


@dataclass(frozen=True, order=True)
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


@dataclass(frozen=True)
class Read:
    """What was read of a request: rows as given, and as values in the order of the schema."""

    given: list[Mapping[str, Any]]
    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    raw: bytes | None = None


class RowReader:
    """Reads rows of one schema.

    Parameters
    ----------
    schema : mapping of str to Column
        What a row must hold.
    most_rows : int, default 10000
        Rows that one request may have.
    """

    def __init__(self, schema: Mapping[str, Column], most_rows: int = 10_000) -> None:
        self.schema, self.most_rows = dict(schema), most_rows
        self._readers = [(name, reader(column)) for name, column in schema.items()]

    def read(self, text: str | bytes) -> Read:
        """Return the rows of ``{"data": [{column: value}]}``.

        Raises
        ------
        Malformed
            When the text is not such JSON, or has no row or too many.
        """
        read = Read(self._records(parsed(text)), [], raw=text if isinstance(text, bytes) else None)
        for number, record in enumerate(read.given):
            if not isinstance(record, dict):
                read.problems.append(Problem(number, None, f"is {kind_of(record)}, not an object of columns"))
                continue
            values = self._row(number, record, read.problems)
            read.rows.append(values)
            if None in values:
                read.warnings.extend(self._new_gaps(number, values))
        return read

    def _records(self, document: Any) -> list[Any]:
        if not isinstance(document, dict):
            raise Malformed(f'the request is {kind_of(document)}, not an object such as {{"data": [...]}}')
        unknown = [name for name in document if name != "data"]
        if unknown:
            raise Malformed(f"there is no field {shown(unknown[0])}{utils.nearest(unknown[0], ['data'])}")
        given = document.get("data")
        if isinstance(given, dict):
            given = [given]
        if not isinstance(given, list) or not given:
            raise Malformed('"data" must be a list of rows, each an object of columns, at least one')
        if len(given) > self.most_rows:
            raise Malformed(f"{len(given)} rows are more than one request may have: {self.most_rows}")
        return given

    def _row(self, number: int, record: Mapping[str, Any], problems: list[Problem]) -> Row:
        """Return the values of one row, None for each that is wrong, and add its problems."""
        values: Row = []
        for name, read in self._readers:
            try:
                values.append(read(record[name]))
            except KeyError:
                values.append(None)
                problems.append(self._missing(number, name, record))
            except Refused as refused:
                values.append(None)
                problems.append(Problem(number, name, str(refused)))
        if len(record) > len(self._readers) or problems:
            problems.extend(self._unknown(number, name) for name in record if name not in self.schema)
        return values

    def _missing(self, number: int, name: str, record: Mapping[str, Any]) -> Problem:
        near = utils.nearest(name, [other[:200] for other in record if other not in self.schema])
        return Problem(number, name, f"is missing{cut(near)}; null stands for an unknown value")

    def _new_gaps(self, number: int, values: Row) -> Iterator[Problem]:
        for (name, column), value in zip(self.schema.items(), values, strict=True):
            if value is None and not column.gaps:
                yield Problem(number, name, "is null: training had no gap there")

    def _unknown(self, number: int, name: str) -> Problem:
        return Problem(
            number, cut(name), f"is no column of the model{utils.nearest(name[:200], self.schema)}"
        )


def parsed(text: str | bytes) -> Any:
    """Return what the JSON holds: no name twice in an object, no NaN, no infinity.

    Raises
    ------
    Malformed
        When it is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"the request is not JSON: {error.msg} at {place}") from None
    except UnicodeDecodeError:
        raise Malformed("the request is not JSON: it is not UTF-8") from None
    except RecursionError:
        raise Malformed("the request is not JSON that can be read: it is nested too deeply") from None
    except ValueError:  # Python refuses to read a number of thousands of digits
        raise Malformed("the request holds a number of too many digits") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"the name {shown(twice)} stands twice in one object")
    return record


def _no_constant(word: str) -> float:
    raise Malformed(f"the request is not JSON: {word} is no number; null stands for an unknown value")
