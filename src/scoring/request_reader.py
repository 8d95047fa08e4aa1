"""Requests, checked against the model's schema: problems are reported by row and column."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NotRequired

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from scoring.online_features import OnlineFeatures
from scoring.request_values import MAX_SHOWN, kind_of, reason, shorten, show, value_type
from scoring.row_rules import RowRules
from scoring.row_schema import Column
from support import step

MAX_LISTED = 100  # problems, and warnings, per answer: the others are counted
DTYPES = {"number": "float64", "integer": "float64", "time": "datetime64[ns]"}  # others: objects


class MalformedRequest(Exception):
    """The request as a whole cannot be read; ``str(error)`` says why."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a request."""

    row: int | None  # position in ``data``, from 0; None where the request as a whole is wrong
    column: str | None  # name; None where the row as a whole is wrong
    problem: str  # what is wrong and what would be right


@dataclass
class Request:
    """A request that was read."""

    records: list[Mapping[str, Any]]  # the rows as they were sent
    # of shape (rows,), as `FeatureSpec.transform` takes them; empty where there are problems
    columns: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)  # the first `MAX_LISTED` of them
    count: int = 0  # of all problems
    # missing values where training had none, rows without looked-up features, and rules that rows fail: of
    # each kind the first `MAX_LISTED`, then how many there are
    warnings: list[Problem] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)  # by feature table: rows that it had nothing for


class RequestReader:
    """Reads requests of one schema.

    Parameters
    ----------
    schema : mapping of str to Column
        What a row must hold.
    most_rows : int, default 10000
        Rows that one request may have.
    rules : RowRules, optional
        What holds between columns of a row.
    online : OnlineFeatures, optional
        What gives the columns that a row may leave out.
    keys : mapping of str to Column
        The columns by which they are looked up.
    """

    def __init__(
        self,
        schema: Mapping[str, Column],
        most_rows: int = 10_000,
        rules: RowRules | None = None,
        online: OnlineFeatures | None = None,
        keys: Mapping[str, Column] | None = None,
    ) -> None:
        self.schema, self.most_rows, self.rules = dict(schema), most_rows, rules
        self.online = online
        self.accepted = {**(keys or {}), **schema} if online else self.schema
        self.may_lack = ({*(keys or {})} - {*schema}) | online.columns if online else frozenset[str]()
        typed_dict: Any = TypedDict  # mypy knows only names that are written out
        types = {name: value_type(column) for name, column in self.accepted.items()}
        row = typed_dict(
            "Row",
            {name: NotRequired[kind] if name in self.may_lack else kind for name, kind in types.items()},
        )
        row.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
        self._row = TypeAdapter(row)
        self._complete = [name for name, column in schema.items() if not column.has_missing]
        self._nearest_column = lru_cache(lambda name: step.nearest(name, self.accepted))

    def read(self, body: str | bytes) -> Request:
        """Return the rows of ``{"data": [{column: value}]}``, in work that is linear in their size.

        Raises
        ------
        MalformedRequest
            When the body is not such JSON in UTF-8, or has no row or too many.
        """
        request = Request(_records(parse(body), self.most_rows))
        rows: list[dict[str, Any]] = []
        for number, record in enumerate(request.records):
            try:
                rows.append(self._row.validate_python(record))
            except ValidationError as error:
                self._add(request, number, error)
        if self.online and not request.count:
            self._look_up(self.online, request, rows)
        if not request.count:
            request.columns = {name: self._array(name, [row[name] for row in rows]) for name in self.schema}
            request.warnings += self._unexpected_nulls(rows)
            self._judge(request)
        return request

    def _look_up(self, online: OnlineFeatures, request: Request, rows: list[dict[str, Any]]) -> None:
        """Add what rows leave out; what cannot be looked up is a problem, what is not found a warning."""
        for number, record in enumerate(request.records):
            for column, text in online.problems(record):
                request.count += 1
                if len(request.problems) < MAX_LISTED:
                    request.problems.append(Problem(number, column, text))
        if request.count:
            return
        without = [(number, name) for number, row in enumerate(rows) for name in online.add(row)]
        request.unknown.update(name for _, name in without)
        text = "feature table {!r} has nothing for this row: its features are taken as missing"
        listed = [Problem(number, None, text.format(name)) for number, name in without[:MAX_LISTED]]
        request.warnings = bounded(listed, len(without))

    def _judge(self, request: Request) -> None:
        """Add what fails a rule: as problems where the schema tolerates no such row, else as warnings."""
        found = list(self.rules.broken(request.columns)) if self.rules else []
        for rule, rows in found:
            name = ", ".join(rule.columns)
            listed = [Problem(row, name, rule.text) for row in rows[:MAX_LISTED]]
            if rule.refuses:
                request.problems += listed[: MAX_LISTED - len(request.problems)]
                request.count += len(rows)
            else:
                request.warnings += bounded(listed, len(rows))

    def _array(self, name: str, values: list[Any]) -> np.ndarray[Any, Any]:
        return np.array(values, dtype=DTYPES.get(self.schema[name].kind, object))

    def _unexpected_nulls(self, rows: list[dict[str, Any]]) -> list[Problem]:
        with_null = [(number, row) for number, row in enumerate(rows) if None in row.values()]
        nulls = [(number, name) for number, row in with_null for name in self._complete if row[name] is None]
        text = "is null, but training had no missing values here"
        return bounded([Problem(number, name, text) for number, name in nulls[:MAX_LISTED]], len(nulls))

    def _add(self, request: Request, row: int, error: ValidationError) -> None:
        """Add the problems of one row, up to the limit of listed ones."""
        left = MAX_LISTED - len(request.problems)
        request.count += error.error_count()
        if left > 0:
            details = error.errors(include_url=False)[:left]
            request.problems += [self._problem(row, detail, request.records[row]) for detail in details]

    def _problem(self, row: int, detail: Mapping[str, Any], record: Any) -> Problem:
        if not detail["loc"]:
            return Problem(row, None, f"is {kind_of(record)}, not an object of columns")
        name, value = str(detail["loc"][0]), detail["input"]
        if detail["type"] == "extra_forbidden":
            near = self._nearest_column(name[:MAX_SHOWN])
            return Problem(row, shorten(name), f"is not a column of the model{near}")
        if detail["type"] == "missing":
            near = self._renamed(name, record)
            return Problem(row, name, f"is missing{near}; send null for an unknown value")
        return Problem(row, name, reason(self.accepted[name], detail, value))

    def _renamed(self, name: str, record: Mapping[str, Any]) -> str:
        """Return the nearest of the first unknown names of a record."""
        unknown = (other[:MAX_SHOWN] for other in record if other not in self.accepted)
        return step.nearest(name, [other for other, _ in zip(unknown, range(MAX_LISTED), strict=False)])


def bounded(problems: list[Problem], count: int) -> list[Problem]:
    """Return the first of `count` problems, and how many are left out."""
    if count <= MAX_LISTED:
        return problems
    return [*problems[:MAX_LISTED], Problem(None, None, f"and {count - MAX_LISTED:,} more of this kind")]


def parse(body: str | bytes) -> Any:
    """Return what JSON in UTF-8 holds: no name twice in an object, no NaN, no infinity.

    Raises
    ------
    MalformedRequest
        When the body is anything else.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return json.loads(text, object_pairs_hook=_record, parse_constant=_reject_constant)
    except UnicodeDecodeError:
        raise MalformedRequest("the request is not JSON: it is not UTF-8") from None
    except json.JSONDecodeError as error:
        if text.startswith("\ufeff"):
            raise MalformedRequest(
                "the request begins with a byte-order mark: send UTF-8 without it"
            ) from None
        position = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"the request is not JSON: {error.msg} at {position}") from None
    except RecursionError:
        raise MalformedRequest("the request is nested too deeply") from None
    except ValueError:  # Python refuses to read a number of thousands of digits
        raise MalformedRequest("the request holds a number with too many digits") from None


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, _ in pairs if counts[name] > 1)
        raise MalformedRequest(f"the name {show(twice)} occurs twice in one object")
    return record


def _reject_constant(name: str) -> float:
    raise MalformedRequest(f"the request is not JSON: {name} is not a number; send null for an unknown value")


def _records(document: Any, most: int) -> list[Any]:
    if not isinstance(document, dict):
        raise MalformedRequest(f'the request is {kind_of(document)}, not an object such as {{"data": [...]}}')
    for name in document:
        if name != "data":
            raise MalformedRequest(f"unknown field {show(name)}{step.nearest(name[:MAX_SHOWN], ['data'])}")
    data = document.get("data")
    records = [data] if isinstance(data, dict) else data
    if not isinstance(records, list) or not records:
        raise MalformedRequest('"data" must be a list of at least one row, each an object of columns')
    if len(records) > most:
        raise MalformedRequest(f"{len(records)} rows exceed the limit of {most} per request")
    return records
