"""The filters that the SDK writes are understood."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.emulator.history.filters import matches
from operation.emulator.http import HttpError

RUN = {
    "runId": "one",
    "parentRunId": None,
    "status": "Completed",
    "createdUtc": "2026-11-22T17:00:00.000000Z",
    "tags": {"kind": "a b", "empty": None},
    "properties": {"azureml.runsource": "automl"},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, True),
        ("RunId eq one", True),
        ("RunId eq one or RunId eq two", True),
        ("RunId eq two", False),
        ("(ParentRunId eq null)", True),
        ("(Status eq Completed) and (RunId ne one)", False),
        ('(Tags/kind eq "a b")', True),
        ("(Tags/kind ne null or Tags/kind eq null)", True),
        ("(Tags/other ne null or Tags/other eq null)", False),
        ("(RunType eq automl or Properties/azureml.runsource eq automl)", True),
        ("(CreatedUtc ge 2026-11-22 16:00:00)", True),
        ("(CreatedUtc ge 2026-11-22 18:00:00)", False),
        ("RootRunId eq x and (RunId eq one or RunId eq two)", False),
    ],
)
def test_a_filter_finds_what_it_asks_for(expression: str | None, expected: bool) -> None:
    assert matches(expression)(RUN) is expected


@pytest.mark.parametrize("expression", ["RunId", "eq one", "(RunId eq one) and", "RunId like one"])
def test_a_filter_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(
        HttpError, match=r"^the filter (cannot be read from here on: |ends where a condition)"
    ):
        matches(expression)


@given(text=st.text(max_size=60))
def test_no_text_is_more_than_refused(text: str) -> None:
    with suppress(HttpError):
        assert matches(text)(RUN) in (True, False)
