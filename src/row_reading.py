"""Rows of a request, read against the model's schema: every problem is told by row and column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import utils
from row_schema import Column

Value: TypeAlias = float | str | bool | datetime | None
Row: TypeAlias = list[Any]  # of Value: a union would have to be told apart at each use

LARGEST = 1.7976931348623157e308
LONGEST_SHOWN = 60  # characters of a value in a message
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what 64 bits of nanoseconds hold


class Malformed(Exception):
    """The request as a whole cannot be read; ``str(error)`` says why."""


class _Refused(Exception):
    """A value is not what its column holds; ``str(error)`` ends a sentence that begins with it."""


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
                read.problems.append(Problem(number, None, f"is {_kind(record)}, not an object of columns"))
                continue
            values = self._row(number, record, read.problems)
            read.rows.append(values)
            if None in values:
                read.warnings.extend(self._new_gaps(number, values))
        return read

    def _records(self, document: Any) -> list[Any]:
        if not isinstance(document, dict):
            raise Malformed(f'the request is {_kind(document)}, not an object such as {{"data": [...]}}')
        unknown = [name for name in document if name != "data"]
        if unknown:
            raise Malformed(f"there is no field {_shown(unknown[0])}{utils.nearest(unknown[0], ['data'])}")
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
            except _Refused as refused:
                values.append(None)
                problems.append(Problem(number, name, str(refused)))
        if len(record) > len(self._readers) or problems:
            problems.extend(self._unknown(number, name) for name in record if name not in self.schema)
        return values

    def _missing(self, number: int, name: str, record: Mapping[str, Any]) -> Problem:
        near = utils.nearest(name, [other[:200] for other in record if other not in self.schema])
        return Problem(number, name, f"is missing{_cut(near)}; null stands for an unknown value")

    def _new_gaps(self, number: int, values: Row) -> Iterator[Problem]:
        for (name, column), value in zip(self.schema.items(), values, strict=True):
            if value is None and not column.gaps:
                yield Problem(number, name, "is null: training had no gap there")

    def _unknown(self, number: int, name: str) -> Problem:
        return Problem(
            number, _cut(name), f"is no column of the model{utils.nearest(name[:200], self.schema)}"
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
        raise Malformed(f"the name {_shown(twice)} stands twice in one object")
    return record


def _no_constant(word: str) -> float:
    raise Malformed(f"the request is not JSON: {word} is no number; null stands for an unknown value")


def reader(column: Column) -> Callable[[Any], Value]:
    """Return the function that reads one value of `column`; null becomes None."""
    kinds: dict[str, Callable[[Any], Value]] = {
        "boolean": _boolean,
        "text": _text,
        "code": _code,
        "time": _time,
    }
    return kinds.get(column.kind) or _number(column)


def _number(column: Column) -> Callable[[Any], Value]:
    low = -LARGEST if column.minimum is None else column.minimum
    high = LARGEST if column.maximum is None else column.maximum
    whole, what = column.kind == "integer", "a whole number" if column.kind == "integer" else "a number"

    def read(value: Any) -> Value:
        if (type(value) is float or type(value) is int) and low <= value <= high:
            if whole and value != int(value):
                raise _Refused(f"is {value}, not a whole number")
            return float(value)
        if value is None:
            return None
        if type(value) is float or type(value) is int:
            raise _Refused(f"is {_shown(value)}, not between {low:g} and {high:g}")
        raise _Refused(f"is {_kind(value)}, not {what}")

    return read


def _boolean(value: Any) -> Value:
    if value is True or value is False or value is None:
        return value
    raise _Refused(f"is {_kind(value)}, not true or false")


def _text(value: Any) -> Value:
    if value is None:
        return None
    if type(value) is not str:
        raise _Refused(f"is {_kind(value)}, not text")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise _Refused("is half of a character pair, not text") from None
    return value


def _code(value: Any) -> Value:
    if type(value) is int or type(value) is float:
        return level(value)
    if value is None or type(value) is str:
        return _text(value)
    raise _Refused(f"is {_kind(value)}, not a number or text")


def _time(value: Any) -> Value:
    if value is None:
        return None
    if type(value) is not str:
        raise _Refused(f"is {_kind(value)}, not a time such as 2013-01-31T05:00:00")
    return as_time(value)


def as_time(text: str) -> datetime:
    """Return the time that `text` is, in UTC where it names a zone, without a zone.

    Raises
    ------
    _Refused
        When it is none, or one that a table cannot hold.
    """
    if TIME.fullmatch(text):
        try:
            time = datetime.fromisoformat(text)
            time = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        except (ValueError, OverflowError):
            pass
        else:
            if FIRST_YEAR <= time.year <= LAST_YEAR:
                return time
            raise _Refused(f"is {text}, not between the years {FIRST_YEAR} and {LAST_YEAR}")
    raise _Refused(f"is {_shown(text)}, not a time such as 2013-01-31T05:00:00")


def level(value: float | bool | str) -> str:
    """Return a level as text, as `features.as_levels` does for a column of such values."""
    if type(value) is float and value.is_integer():
        return f"{value:.0f}"
    return str(value)


def _kind(value: Any) -> str:
    kinds: Sequence[tuple[type, str]] = (
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "an object"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a number of hundreds of digits"
    return _cut(utils.shown(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
