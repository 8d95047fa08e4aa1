"""Times as arguments and names of files say them; contracts of scripts need these without pandas."""

import re
from datetime import UTC, datetime, timedelta

from support import step

PERIOD = re.compile(r"(?<!\d)(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?!\d)")


def moment(text: str, argument: str) -> datetime:
    """Return a time without a zone (UTC); a day, a month or a year stands for its end.

    >>> moment("2013-07", "--as-of"), moment("2013-08-01T02:00+02:00", "--as-of")
    (datetime.datetime(2013, 8, 1, 0, 0), datetime.datetime(2013, 8, 1, 0, 0))

    Raises
    ------
    StepError
        When it is not a time; names the `argument`.
    """
    try:
        if period := PERIOD.fullmatch(text):
            return period_end(period)
        read = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "a time such as 2013-07, 2013-07-31 or 2013-07-31T06:00"
        raise step.StepError(f"{argument}: {text!r} is not {expected}") from error
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def period_end(period: re.Match[str]) -> datetime:
    """Return the end of the year, month or day that `PERIOD` has found; raise ValueError if there is none."""
    year, month, day = (int(part) if part else None for part in period.groups())
    if year and month and day:
        return datetime(year, month, day) + timedelta(days=1)
    start = datetime(year or 0, month or 12, 1)
    return (start + timedelta(days=31)).replace(day=1)
