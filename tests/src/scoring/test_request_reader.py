"""A request is read against the schema: every problem by row and column, whatever is sent."""

from __future__ import annotations

import contextlib
import cProfile
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling.features import FeatureSpec
from scoring import row_schema
from scoring.request_reader import MAX_LISTED, MalformedRequest, RequestReader
from scoring.row_schema import Column
from tests.src.running import error_of

SCHEMA = {
    "speed": Column("number", has_missing=False, minimum=0, maximum=10),
    "seats": Column("integer", has_missing=True, minimum=-5, maximum=500),
    "late": Column("boolean", has_missing=False),
    "origin": Column("text", has_missing=False),
    "ward": Column("code", has_missing=False),
    "departure": Column("time", has_missing=False),
}
ROW: dict[str, Any] = {
    "speed": 1.5,
    "seats": 20,
    "late": True,
    "origin": "EWR",
    "ward": 3,
    "departure": "2013-01-31T05:00:00",
}


def read(*rows: object) -> list[tuple[int | None, str | None, str]]:
    found = RequestReader(SCHEMA).read(json.dumps({"data": list(rows)}))
    return [(one.row, one.column, one.problem) for one in found.problems]


def test_a_row_becomes_values_in_the_order_of_the_schema() -> None:
    found = RequestReader(SCHEMA).read(json.dumps({"data": [dict(reversed(ROW.items()))]}))
    values = {name: values.tolist() for name, values in found.columns.items()}
    values.pop("departure")
    assert values == {"speed": [1.5], "seats": [20.0], "late": [True], "origin": ["EWR"], "ward": ["3"]}
    assert list(found.columns) == list(SCHEMA)
    assert found.columns["departure"] == np.array(["2013-01-31T05:00:00"], dtype="datetime64[ns]")

    assert (found.problems, found.warnings) == ([], [])


def test_every_problem_is_told_by_row_and_column() -> None:
    wrong = {**ROW, "speed": 11, "seats": 2.5, "late": 1, "origin": 5, "ward": [], "departure": "today"}
    renamed = {**ROW, "orign": "EWR"}
    del renamed["origin"]
    assert read(wrong, ROW, renamed, 7) == [
        (0, "speed", "is 11, not between 0 and 10"),
        (0, "seats", "is 2.5, not a whole number"),
        (0, "late", "is a number, not true or false"),
        (0, "origin", "is a number, not text"),
        (0, "ward", "is a list, not a number or text"),
        (0, "departure", "is 'today', not a time such as 2013-01-31T05:00:00"),
        (2, "origin", "is missing (did you mean 'orign'?); send null for an unknown value"),
        (2, "orign", "is not a column of the model (did you mean 'origin'?)"),
        (3, None, "is a number, not an object of columns"),
    ]


def test_texts_are_those_that_the_schema_allows() -> None:
    columns = {
        "origin": Column("text", has_missing=True, allowed=["EWR", "JFK"]),
        "ward": Column("code", has_missing=True, pattern=r"^[1-3]$"),
    }
    rows = [{"origin": "EWR", "ward": 3}, {"origin": None, "ward": None}, {"origin": "ewr", "ward": 4}]
    found = RequestReader(columns).read(json.dumps({"data": rows}))
    assert [(one.row, one.column, one.problem) for one in found.problems] == [
        (2, "origin", "is 'ewr', not one of EWR, JFK"),
        (2, "ward", "is '4', which does not match ^[1-3]$"),
    ]


def test_a_gap_that_training_did_not_know_is_a_warning() -> None:
    found = RequestReader(SCHEMA).read(json.dumps({"data": [dict.fromkeys(ROW)]}))
    assert all(pd.isna(values).tolist() == [True] for values in found.columns.values())
    assert found.problems == []
    assert [one.column for one in found.warnings] == ["speed", "late", "origin", "ward", "departure"]
    assert found.warnings[0].problem == "is null, but training had no missing values here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the request is not JSON: Expecting value at line 1, column 1"),
        ('{"data": [}', "the request is not JSON: Expecting value at line 1, column 11"),
        ("[1]", 'the request is a list, not an object such as {"data": [...]}'),
        ("null", 'the request is null, not an object such as {"data": [...]}'),
        ("{}", '"data" must be a list of at least one row, each an object of columns'),
        ('{"data": []}', '"data" must be a list of at least one row, each an object of columns'),
        ('{"date": []}', "unknown field 'date' (did you mean 'data'?)"),
        ('{"data": [{"a": 1, "a": 2}]}', "the name 'a' occurs twice in one object"),
        (
            '{"data": [{"a": NaN}]}',
            "the request is not JSON: NaN is not a number; send null for an unknown value",
        ),
        ("[" * 100_000, "the request is nested too deeply"),
        ('{"data": [' + "9" * 5000 + "]}", "the request holds a number with too many digits"),
        (b'{"data": "\xff"}', "the request is not JSON: it is not UTF-8"),
        ('{"data": []}'.encode("utf-16"), "the request is not JSON: it is not UTF-8"),
        (
            b'\xef\xbb\xbf{"data": []}',
            "the request begins with a byte-order mark: send UTF-8 without it",
        ),
        (
            '{"data": []}'.encode("utf-16-le"),
            "the request is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
        ),
        ('{"data": [{}, {}, {}]}', "3 rows exceed the limit of 2 per request"),
    ],
)
def test_a_request_that_is_none(text: str | bytes, message: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        RequestReader(SCHEMA, most_rows=2).read(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("column", "sent", "problem"),
    [
        ("speed", 10**400, "is a number with hundreds of digits, not between 0 and 10"),
        ("speed", "1", "is text, not a number"),
        ("speed", True, "is true or false, not a number"),
        ("origin", "\ud800", "contains an unpaired surrogate (invalid Unicode)"),
        ("departure", 3, "is a number, not a time such as 2013-01-31T05:00:00"),
        ("departure", "2013-02-30", "is '2013-02-30', not a time such as 2013-01-31T05:00:00"),
        ("departure", "1000-01-01", "is 1000-01-01, not between the years 1678 and 2261"),
        ("departure", "x" * 500, f"is '{'x' * 59}..., not a time such as 2013-01-31T05:00:00"),
    ],
)
def test_a_value_that_is_none(column: str, sent: object, problem: str) -> None:
    assert read({**ROW, column: sent}) == [(0, column, problem)]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2013-01-31", datetime(2013, 1, 31)),
        ("2013-01-31 05:00", datetime(2013, 1, 31, 5)),
        ("2013-01-31T05:00:00.123456789Z", datetime(2013, 1, 31, 5, 0, 0, 123456)),
        ("2013-01-31T05:00:00+02:00", datetime(2013, 1, 31, 3)),
    ],
)
def test_times_are_those_of_tables(text: str, time: datetime) -> None:
    found = RequestReader(SCHEMA).read(json.dumps({"data": [{**ROW, "departure": text}]}))
    assert found.columns["departure"].tolist() == [pd.Timestamp(time).value]
    there = pd.to_datetime(pd.Series([text]), utc=True, format="ISO8601").dt.tz_localize(None)
    assert there.dt.floor("us").iloc[0] == time


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text() | st.sampled_from(sorted(ROW)), inner)
    ),
    max_leaves=20,
)


@given(anything)
def test_whatever_is_sent_is_read_or_refused(document: object) -> None:
    for sent in (document, {"data": document}, {"data": [document]}):
        try:
            found = RequestReader(SCHEMA).read(json.dumps(sent))
        except MalformedRequest:
            continue
        assert found.problems
        json.dumps([one.problem for one in found.problems]).encode()


def test_the_schema_is_learnt_from_the_training_rows() -> None:
    table = pd.DataFrame(
        {
            "speed": [0.0, 4.0, None],
            "seats": [1, 2, 3],
            "same": [5.0, 5.0, 5.0],
            "late": [True, None, False],
            "origin": ["EWR", None, "JFK"],
            "ward": [1.0, 2.0, None],
            "departure": pd.to_datetime(["2013-01-01"] * 3),
        }
    )
    spec = FeatureSpec(
        numeric=("speed", "seats", "same", "late"),
        categorical=("origin", "ward"),
        datetime={"departure": ("hour",)},
    )
    facts = {"schema": json.loads(json.dumps(row_schema.describe(table, spec, 0.5, {})))}
    assert row_schema.from_facts(facts, "m") == {
        "speed": Column("number", has_missing=True, minimum=-2.0, maximum=6.0),
        "seats": Column("integer", has_missing=False, minimum=0.0, maximum=4.0),
        "same": Column("number", has_missing=False),
        "late": Column("boolean", has_missing=True),
        "origin": Column("text", has_missing=True),
        "ward": Column("code", has_missing=True),
        "departure": Column("time", has_missing=False),
    }


def test_a_model_from_before_there_were_schemas() -> None:
    assert (
        error_of(row_schema.from_facts, {}, "models/m")
        == "models/m was trained by an earlier version of these scripts: retrain it"
    )


HOSTILE: dict[str, Callable[[int], str]] = {
    "empty rows": lambda size: '{"data": [' + ",".join(["{}"] * size) + "]}",
    "unknown names": lambda size: json.dumps({"data": [{f"spead{number}": 1 for number in range(size)}]}),
    "long names": lambda size: json.dumps({"data": [{f"{number}" * 1000: 1 for number in range(size)}]}),
    "wrong values": lambda size: json.dumps({"data": [{**ROW, "speed": "x" * 100}] * size}),
    "no rows": lambda size: json.dumps({"data": [1] * size}),
}


def name_twice(size: int) -> str:
    return '{"data": [{' + "".join(f'"{number}": 1, ' for number in range(size)) + f'"{size - 1}": 1' + "}]}"


@pytest.mark.parametrize("kind", HOSTILE)
def test_problems_are_listed_up_to_a_bound_and_the_others_counted(kind: str) -> None:
    found = RequestReader(SCHEMA).read(HOSTILE[kind](3000))
    assert found.count >= 3000
    assert len(found.problems) == MAX_LISTED
    assert len(json.dumps([one.problem for one in found.problems])) < 40_000


@pytest.mark.parametrize("body_of", [*HOSTILE.values(), name_twice], ids=[*HOSTILE, "a name twice"])
def test_the_work_is_linear_in_the_size_of_a_request(body_of: Callable[[int], str]) -> None:
    reader = RequestReader(SCHEMA, most_rows=100_000)
    calls = []
    for size in (2000, 8000):
        body, profile = body_of(size), cProfile.Profile()
        with profile, contextlib.suppress(MalformedRequest):
            reader.read(body)
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] <= 4.5 * calls[0]


def test_warnings_are_bounded_too() -> None:
    found = RequestReader(SCHEMA).read(json.dumps({"data": [dict.fromkeys(ROW)] * 1000}))
    assert len(found.warnings) == MAX_LISTED + 1
    assert found.warnings[-1].problem == "and 4,900 more of this kind"
