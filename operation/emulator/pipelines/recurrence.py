"""When a schedule fires next."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import count
from zoneinfo import ZoneInfo

from babel.core import get_global

from operation.emulator.http import HttpError
from operation.emulator.state import Document

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FREQUENCIES = ("Month", "Week", "Day", "Hour", "Minute")
_STEPS = {"Minute": timedelta(minutes=1), "Hour": timedelta(hours=1), "Day": timedelta(days=1)}
_STEPS["Week"] = timedelta(weeks=1)
# schedules name their zones as Windows does; these two have left the list since
_OLDER_ZONES = {
    "Kamchatka Standard Time": "Asia/Kamchatka",
    "Mid-Atlantic Standard Time": "Atlantic/South_Georgia",
}


def next_time(recurrence: Document, created: datetime, after: datetime) -> datetime:
    """Return the first time after `after` at which the recurrence fires."""
    frequency, interval = _frequency(recurrence), int(recurrence.get("Interval") or 1)
    if interval < 1:
        raise HttpError(f"the interval of a recurrence must be at least 1, not {interval}", "BadRequest")
    zone = _zone(recurrence.get("TimeZone"))
    start = _start(recurrence.get("StartTime"), zone) or created
    local = start.astimezone(zone)
    at = recurrence.get("Schedule")
    times = _at_hours(local, frequency, interval, at) if at else _every(local, frequency, interval, after)
    return next(time for time in times if time > after and time >= start)


def _frequency(recurrence: Document) -> str:
    text = str(recurrence.get("Frequency"))
    name = FREQUENCIES[int(text)] if text in "01234" else text
    if name not in FREQUENCIES:
        raise HttpError(f"{text!r} is no frequency; choose {', '.join(FREQUENCIES)}", "BadRequest")
    return name


def _zone(name: str | None) -> tzinfo:
    if not name or name == "UTC":
        return UTC
    zone = _OLDER_ZONES.get(name) or get_global("windows_zone_mapping").get(name)
    if zone is None:
        raise HttpError(f"{name!r} is no time zone that Azure knows", "BadRequest")
    return ZoneInfo(zone)


def _start(text: str | None, zone: tzinfo) -> datetime | None:
    if not text:
        return None
    start = datetime.fromisoformat(text)
    return start if start.tzinfo else start.replace(tzinfo=zone)


def _every(start: datetime, frequency: str, interval: int, after: datetime) -> Iterator[datetime]:
    if frequency == "Month":
        return (_months_later(start, number * interval) for number in count())
    step = _STEPS[frequency] * interval
    past = max(0, (after - start) // step)  # a start long ago need not be counted from
    return (start + step * number for number in count(past))


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.month - 1 + months, 12)
    last = monthrange(start.year + year, month + 1)[1]
    return start.replace(year=start.year + year, month=month + 1, day=min(start.day, last))


def _at_hours(start: datetime, frequency: str, interval: int, at: Document) -> Iterator[datetime]:
    hours = sorted(int(hour) for hour in at.get("Hours") or [start.hour])
    minutes = sorted(int(minute) for minute in at.get("Minutes") or [0])
    days = {_day(day) for day in at.get("WeekDays") or []} or {start.weekday()}
    for number in count():
        day = start + timedelta(days=number)
        weeks = (number + start.weekday()) // 7
        due = (
            number % interval == 0 if frequency == "Day" else weeks % interval == 0 and day.weekday() in days
        )
        if due:
            for hour in hours:
                for minute in minutes:
                    yield day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _day(day: object) -> int:
    text = str(day)
    return int(text) if text.isdigit() else DAYS.index(text)
