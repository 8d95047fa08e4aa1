"""The point-in-time join gives what a naive loop gives, also with late corrections and times of validity."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular.feature_definition import Definition
from tabular.feature_table import FeatureTable

EXAMPLES = int(os.environ.get("WORKBENCH_JOINS", "60"))
START = pd.Timestamp("2026-01-01")
HOURS = st.integers(0, 12)
ENTITIES = st.sampled_from(["a", "b"])
FACTS = st.lists(st.tuples(ENTITIES, HOURS, HOURS, st.none() | HOURS), min_size=1, max_size=14)
REQUESTS = st.lists(
    st.tuples(ENTITIES | st.sampled_from(["c", None]), st.none() | HOURS), min_size=1, max_size=14
)


def hour(number: int | None) -> pd.Timestamp:
    return pd.NaT if number is None else START + pd.Timedelta(hours=number)


def definition(freshness: int | None, *, known: bool, valid: bool) -> Definition:
    return Definition(
        **{"name": "n", "description": "d", "owner": "o", "version": "1", "entity": ["who"]},  # type: ignore[arg-type]
        event_time="at",
        known_since="known" if known else None,
        valid_until="until" if valid else None,
        freshness=f"{freshness}h" if freshness else None,
        columns={"value": "v"},
    )


def naive(facts: list[Any], who: str | None, at: int | None, freshness: int | None) -> float | None:
    """Return the value by looking at every row."""
    if who is None or at is None:
        return None
    known = [
        (event, since, until, value)
        for value, (entity, event, since, until) in enumerate(facts)
        if entity == who and event <= at and since <= at
    ]
    if not known:
        return None
    event, _, until, value = max(known, key=lambda row: row[:2])
    gone = until is not None and at >= until
    return None if gone or (freshness and at - event > freshness) else float(value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    FACTS,
    REQUESTS,
    st.none() | st.integers(1, 6),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_it_gives_what_a_naive_loop_gives(
    facts: list[Any], requests: list[Any], freshness: int | None, known: bool, valid: bool, order: Any
) -> None:
    facts = [(who, at, since if known else at, until if valid else None) for who, at, since, until in facts]
    facts = list({row[:3]: row for row in facts}.values())
    rows = [
        {"who": who, "at": hour(at), "known": hour(since), "until": hour(until), "value": float(value)}
        for value, (who, at, since, until) in enumerate(facts)
    ]
    order.shuffle(rows)
    table = FeatureTable.of(pd.DataFrame(rows), definition(freshness, known=known, valid=valid))
    asked = pd.DataFrame(
        {
            "who": pd.Series([who for who, _ in requests], dtype=object),
            "when": pd.Series([hour(at) for _, at in requests], dtype="datetime64[ns]"),
        }
    )
    found = table.known_at(asked, "when", ["value"])["value"]
    expected = [naive(facts, who, at, freshness) for who, at in requests]
    assert [None if pd.isna(value) else value for value in found] == expected
