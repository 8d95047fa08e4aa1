"""Columns of times that are not written in ISO 8601: which form they have."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.missing import NO_VALUE

if TYPE_CHECKING:
    import pandas as pd

_DATES = (
    *("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y"),
    *("%d/%m/%y", "%m-%d-%Y", "%d-%m-%Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%b-%Y"),
    *("%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%b %Y", "%B %Y"),
    *("%a %b %d %Y", "%a, %d %b %Y", "%A, %d %B %Y"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S"),
    " %H:%M:%S %z",
)
_FORMS = tuple(date + clock for date, clock in product(_DATES, _CLOCKS))
_QUARTER = re.compile(r"\d{4}[\s:/-]*Q[1-4]|Q[1-4][\s/-]*\d{4}", re.IGNORECASE)
_TIMELY = re.compile(r"time|date|epoch|unix|stamp|created|updated|(^|_)(ts|at|on)$", re.IGNORECASE)
YEARLY = re.compile(r"(year|yr|jahr|anno|ann[eé]e|time|date|period|season|decade)", re.IGNORECASE)
_OPEN_END = 99991231  # among days such as 20240131
_EPOCHS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_SINCE, _UNTIL = 3e8, 4.1e9  # 1979 to 2099, in seconds since 1970


def time_form(values: pd.Series) -> str | None:
    """Return the form of the times in a column, where it holds some in another one than ISO 8601.

    ``a|b`` are two forms of which either may be meant: day or month first.
    """
    from pandas.api import types

    known = values.dropna()
    if known.empty or types.is_bool_dtype(values):
        return None
    if types.is_numeric_dtype(values):
        return _number_form(str(values.name), known)
    if types.infer_dtype(known) != "string":
        return None
    texts = [text.strip() for text in known.unique() if text not in NO_VALUE]
    return _text_form(known, texts) if texts else None


def _text_form(known: pd.Series, texts: list[str]) -> str | None:
    if len(texts[0]) > 40 or not any(map(str.isdigit, texts[0])):
        return None
    if all(map(_QUARTER.fullmatch, texts)):
        return "quarter"
    forms = [form for form in _FORMS if _is_of(texts[0], form)]
    fitting = [form for form in forms if all(_is_of(text, form) for text in texts)]
    if len(fitting) < 2 or {fitting[0][:2], fitting[1][:2]} != {"%m", "%d"}:
        return fitting[0] if fitting else None
    for form in fitting:  # rows in the order of time tell which is meant
        import pandas as pd

        times = pd.to_datetime(known, format=form, errors="coerce", utc=True)
        if times.is_monotonic_increasing and times.nunique() > 2:
            return form
    return "|".join(fitting[:2])


def _is_of(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def _number_form(name: str, known: pd.Series) -> str | None:
    known = known[known != _OPEN_END]
    low, high = float(known.min()), float(known.max())
    if not (known % 1 == 0).all():
        return None
    if 19000101 <= low <= high <= 21001231 and known.nunique() > 2:
        days = known.drop_duplicates().astype("int64").astype(str)
        return "%Y%m%d" if all(_is_of(day, "%Y%m%d") for day in days) else None
    for unit, factor in _EPOCHS.items():
        likely = _TIMELY.search(name) or (
            known.is_monotonic_increasing and known.nunique() > 0.5 * len(known)
        )
        if likely and _SINCE * factor <= low < high <= _UNTIL * factor:
            return f"epoch-{unit}"
    return None


def is_year(values: pd.Series) -> bool:
    """Tell whether a column holds the year of a row, maybe with the part of it that has passed."""
    from pandas.api import types

    if not types.is_numeric_dtype(values) or types.is_bool_dtype(values) or values.isna().any():
        return False
    return bool(
        YEARLY.fullmatch(str(values.name)) and values.between(1500, 2100).all() and values.nunique() > 4
    )
