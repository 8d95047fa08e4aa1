"""Features: the same for one row as for a table, whatever the row holds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelling import features
from modelling.features import FeatureSpec
from tests.src.running import error_of

SPEC = FeatureSpec(
    numeric=("size",),
    categorical=("colour", "grade"),
    cyclic={"hour": 24.0},
    datetime={"when": ("month", "weekday", "hour", "minute-of-day", "day", "day-of-year")},
    pairs=(("colour", "grade"),),
)
ROW = {"size": 1.5, "colour": "red", "grade": 1, "hour": 6, "when": "2013-03-01T07:30:00"}

numbers = st.none() | st.floats(allow_nan=True, allow_infinity=False, width=32)
texts = st.none() | st.text(max_size=4)
grades = st.none() | st.integers(-5, 5)
moments = st.none() | st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2040-01-01")).map(
    lambda t: t.isoformat()
)
rows = st.fixed_dictionaries(
    {"size": numbers, "colour": texts, "grade": grades, "hour": numbers, "when": moments}
)


def made_of(spec: FeatureSpec, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(spec.transform(table), columns=list(spec.sources))


def table_of(*records: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(records), columns=list(ROW))


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8), st.lists(rows, min_size=1, max_size=8))
def test_a_row_alone_gives_what_it_gives_in_a_table(
    training: list[dict[str, Any]], scored: list[dict[str, Any]]
) -> None:
    fitted = SPEC.fit(table_of(*training))
    together = fitted.transform(table_of(*scored))
    alone = np.concatenate([fitted.transform(table_of(row)) for row in scored])
    assert alone.tobytes() == together.tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8), rows)
def test_features_survive_json(training: list[dict[str, Any]], row: dict[str, Any]) -> None:
    fitted = SPEC.fit(table_of(*training))
    read = FeatureSpec.from_dict(json.loads(json.dumps(fitted.to_dict(), sort_keys=True)))
    assert read.transform(table_of(row)).tobytes() == fitted.transform(table_of(row)).tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8), st.lists(rows, min_size=1, max_size=8))
def test_every_feature_is_a_float_and_a_level_is_one_that_training_knew(
    training: list[dict[str, Any]], scored: list[dict[str, Any]]
) -> None:
    fitted = SPEC.fit(table_of(*training))
    made = made_of(fitted, table_of(*scored))
    assert (made.dtypes == "float64").all()
    for name in fitted.categories:
        codes = made[name].dropna()
        assert codes.isin(range(len(fitted.categories[name]))).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(rows, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_training_rows_does_not_matter(training: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(training)
    random.shuffle(shuffled)
    assert SPEC.fit(table_of(*training)).categories == SPEC.fit(table_of(*shuffled)).categories


def test_what_each_feature_is() -> None:
    made = made_of(SPEC.fit(table_of(ROW, {**ROW, "colour": "blue"})), table_of(ROW))
    assert made.round(6).iloc[0].to_dict() == {
        "size": 1.5,
        "colour": 1,
        "grade": 0,
        "colour & grade": 1,
        "hour sin": 1,
        "hour cos": 0,
        "when month": 3,
        "when weekday": 4,
        "when hour": 7,
        "when minute-of-day": 450,
        "when day": 1,
        "when day-of-year": 60,
    }


def test_unknown_and_missing_categories_are_missing() -> None:
    fitted = SPEC.fit(table_of(ROW))
    made = made_of(fitted, table_of({**ROW, "colour": "green"}, {**ROW, "colour": None}))
    assert made["colour"].isna().all()
    assert made["colour & grade"].isna().all()
    assert made["grade"].tolist() == [0, 0]


@pytest.mark.parametrize("grade", [1, 1.0, "1", np.int8(1), np.float32(1)])
def test_a_whole_number_is_the_same_level_in_every_type(grade: object) -> None:
    fitted = SPEC.fit(table_of(ROW, {**ROW, "grade": None}))
    assert fitted.categories["grade"] == ("1",)
    assert made_of(fitted, table_of({**ROW, "grade": grade}))["grade"].tolist() == [0]


def test_only_the_commonest_categories_are_kept() -> None:
    table = pd.DataFrame({"c": list("aabbbcdd")})
    fitted = FeatureSpec(categorical=("c",), max_categories=2).fit(table)
    assert fitted.categories == {"c": ("a", "b")}


def test_columns_in_order_of_declaration() -> None:
    assert SPEC.columns == ["size", "colour", "grade", "hour", "when"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"size": "big"},
            "features: column 'size' is declared numeric but holds 'big': "
            "declare it categorical, or fix the value",
        ),
        (
            {"size": float("-inf")},
            "features: column 'size' is declared numeric but holds -inf: "
            "declare it categorical, or fix the value",
        ),
        (
            {"when": "soon"},
            "column 'when': 1 of 1 values are not times such as 2013-01-31T05:00:00: soon; fix them, "
            "or name another column",
        ),
    ],
)
def test_values_of_the_wrong_type(row: dict[str, Any], message: str) -> None:
    fitted = SPEC.fit(table_of(ROW))
    assert error_of(fitted.transform, table_of({**ROW, **row})) == message


def test_a_missing_column() -> None:
    assert error_of(
        SPEC.fit(table_of(ROW)).transform,
        table_of(ROW).drop(columns="size").rename(columns={"hour": "hours"}),
    ) == (
        "features: there is no column 'size', no column 'hour' (did you mean 'hours'?); "
        "the columns are: colour, grade, hours, when"
    )


def test_declarations_are_read() -> None:
    assert features.parse_cyclic(["hour:24", "a:b:0.5"]) == {"hour": 24.0, "a:b": 0.5}
    assert features.parse_datetime(["t", "u:hour+day", "at: local:hour"]) == {
        "at: local": ("hour",),
        "t": ("month", "weekday", "hour"),
        "u": ("hour", "day"),
    }
    assert features.parse_pairs(["a:b"]) == (("a", "b"),)


@pytest.mark.parametrize(
    "value", ["hour", "hour:", ":24", "hour:0", "hour:-1", "hour:nan", "hour:inf", "hour:x"]
)
def test_cyclic_that_cannot_be_read(value: str) -> None:
    assert error_of(features.parse_cyclic, [value]) == f"--cyclic: {value!r} is not name:period, e.g. hour:24"


@pytest.mark.parametrize("value", ["a", "a:", ":b", "a:b:c"])
def test_pairs_that_cannot_be_read(value: str) -> None:
    assert (
        error_of(features.parse_pairs, [value])
        == f"--pairs: {value!r} is not first:second, e.g. carrier:origin"
    )


def test_datetime_parts_that_there_are_not() -> None:
    assert error_of(features.parse_datetime, ["when:hour+wekday"]) == (
        "--datetime: 'when:hour+wekday': there is no part 'wekday'; "
        "the parts are: month, day, weekday, hour, minute-of-day, day-of-year"
    )


def test_a_column_that_has_the_name_of_something_made_is_a_feature_of_its_own() -> None:
    spec = FeatureSpec(
        numeric=("when weekday", "a & b"),
        categorical=("a", "b", "a & b"),
        datetime={"when": ("weekday",)},
        pairs=(("a", "b"),),
    )
    table = pd.DataFrame({"when": ["2024-01-02"], "when weekday": [30], "a": ["x"], "b": ["y"], "a & b": [5]})
    made = made_of(spec.fit(table), table)
    assert made.iloc[0].to_dict() == {
        **{"when weekday": 30, "a & b": 5, "a": 0, "b": 0, "a & b (category)": 0, "a & b (pair)": 0},
        "when weekday (part)": 1,
    }
    assert spec.fit(table).categories["a & b (pair)"] == ("x & y",)


def test_numbers_are_computed_from_the_same_row() -> None:
    computed = features.parse_computed(["ratio:price:area", "sum:price:area:area", "log:price"])
    spec = FeatureSpec(computed=computed)
    assert spec.columns == ["price", "area"]
    table = pd.DataFrame({"price": [10, 6.0, 1], "area": [4, 0, None]})
    made = made_of(spec, table)
    assert made["ratio of price, area"].fillna(-1).tolist() == [2.5, -1, -1]
    assert made["sum of price, area, area"].fillna(-1).tolist() == [18, 6, -1]
    assert made["log of price"].tolist() == np.log1p([10, 6, 1]).tolist()
    assert FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "ration:a:b",
            "--computed: 'ration:a:b': no function 'ration'; there are: ratio, difference, product, sum, log",
        ),
        ("ratio:a", "--computed: 'ratio:a' is not function:column:column, e.g. ratio:price:area"),
        ("ratio", "--computed: 'ratio' is not function:column:column, e.g. ratio:price:area"),
        ("sum:a:", "--computed: 'sum:a:' is not function:column:column, e.g. ratio:price:area"),
    ],
)
def test_what_is_not_computed(value: str, message: str) -> None:
    assert error_of(features.parse_computed, [value]) == message
