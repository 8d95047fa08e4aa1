"""Schedules by the clock fire when Azure's would."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from operation.emulator.http import HttpError
from operation.emulator.pipelines.recurrence import next_time

MADE = datetime(2026, 3, 4, 10, 20, 30, tzinfo=UTC)  # a Wednesday


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("recurrence", "after", "expected"),
    [
        ({"Frequency": "Minute", "Interval": 5}, MADE - timedelta(seconds=1), MADE),
        ({"Frequency": "Minute", "Interval": 5}, MADE, MADE + timedelta(minutes=5)),
        ({"Frequency": "3", "Interval": 2}, MADE, MADE + timedelta(hours=2)),
        (
            {"Frequency": "Day", "Interval": 1, "StartTime": "2026-03-10T06:00:00"},
            MADE,
            at("2026-03-10 06:00"),
        ),
        (
            {"Frequency": "Week", "Interval": 1, "StartTime": "2026-03-01T06:00:00"},
            MADE,
            at("2026-03-08 06:00"),
        ),
        (
            {"Frequency": "Month", "Interval": 1, "StartTime": "2026-01-31T06:00:00"},
            MADE,
            at("2026-03-31 06:00"),
        ),
        (
            {"Frequency": "Day", "Interval": 1, "Schedule": {"Hours": [9, 18], "Minutes": [0, 30]}},
            MADE,
            at("2026-03-04 18:00"),
        ),
        (
            {
                "Frequency": "Week",
                "Interval": 1,
                "Schedule": {"Hours": [9], "WeekDays": ["Monday", "Tuesday"]},
            },
            MADE,
            at("2026-03-09 09:00"),
        ),
        (
            {"Frequency": "Week", "Interval": 2, "Schedule": {"Hours": [9], "WeekDays": ["Monday"]}},
            MADE,
            at("2026-03-16 09:00"),
        ),
        (
            {
                "Frequency": "Day",
                "Interval": 1,
                "TimeZone": "Pacific Standard Time",
                "StartTime": "2026-03-05T00:00:00",
                "Schedule": {"Hours": [12], "Minutes": [30]},
            },
            MADE,
            at("2026-03-05 20:30"),
        ),
    ],
)
def test_a_recurrence_fires_next(recurrence: dict[str, Any], after: datetime, expected: datetime) -> None:
    assert next_time(recurrence, MADE, after) == expected


@pytest.mark.parametrize(
    ("recurrence", "message"),
    [
        ({"Frequency": "Yearly"}, "'Yearly' is no frequency; choose Month, Week, Day, Hour, Minute"),
        ({"Frequency": "Day", "Interval": -1}, "the interval of a recurrence must be at least 1, not -1"),
        ({"Frequency": "Day", "TimeZone": "Middle Earth"}, "'Middle Earth' is no time zone that Azure knows"),
    ],
)
def test_a_recurrence_that_there_is_not_is_refused(recurrence: dict[str, Any], message: str) -> None:
    with pytest.raises(HttpError) as raised:
        next_time(recurrence, MADE, MADE)
    assert raised.value.message == message
