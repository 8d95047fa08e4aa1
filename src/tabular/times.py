"""Times in the forms that people write: strptime's, seconds since 1970, years, quarters."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd

from support import step
from tabular.columns import as_array, category_texts
from tabular.csv_files import NO_VALUE, Tell

EPOCHS = {
    "epoch-seconds": "s",
    "epoch-milliseconds": "ms",
    "epoch-microseconds": "us",
    "epoch-nanoseconds": "ns",
}
YEAR, QUARTER, ISO = "year", "quarter", "ISO8601"
_QUARTER = r"(?i)^\s*(?:(?P<y1>\d{4})[\s:/-]*Q(?P<q1>[1-4])|Q(?P<q2>[1-4])[\s/-]*(?P<y2>\d{4}))\s*$"


def parse_forms(values: Sequence[str]) -> dict[str, str]:
    """Return column and form of each ``column=form``."""
    forms = {}
    for value in values:
        name, equals, form = value.rpartition("=")
        if not equals or not name or not form:
            raise step.StepError(f"--times: {value!r} is not column=form, e.g. day=%d.%m.%Y")
        if "%" not in form and form not in (*EPOCHS, YEAR, QUARTER, ISO):
            known = step.listing([*EPOCHS, YEAR, QUARTER, ISO, "or codes such as %d.%m.%Y"], most=9)
            raise step.StepError(f"--times: {value!r}: unknown form {form!r}; the forms are: {known}")
        forms[name] = form
    return forms


def with_times(table: pd.DataFrame, forms: Mapping[str, str], tell: Tell = print) -> pd.DataFrame:
    """Return `table` with the columns of `forms` read as times without a zone (UTC); `tell` what is missing.

    Raises
    ------
    StepError
        When a column is missing, or a value is not of its form; names column, value and row.
    """
    for name, form in forms.items():
        if name not in table:
            near = step.nearest(name, map(str, table))
            raise step.StepError(f"--times: there is no column {name!r}{near}")
        times = read_times(table[name], form)
        lost = table[name][times.isna() & table[name].notna()]
        if len(lost):
            words, rows = (
                step.listing(sorted(map(str, lost.unique()))),
                step.listing(list(lost.index), most=3),
            )
            tell(f"column {name!r}: {words} counts as missing (row {rows})")
        table = table.assign(**{name: times})
    return table


def read_times(column: pd.Series, form: str) -> pd.Series:
    """Return a column of one form as times; words such as NA, and years beyond 1678 to 2261, are missing.

    Parameters
    ----------
    column : Series of texts or numbers
    form : str
        A key of `EPOCHS`, ``year`` (1949.5 is in the middle of it), ``quarter`` (2020Q1, Q1 2020),
        ``ISO8601``, or codes of strptime.

    Raises
    ------
    StepError
        For a value of another form, with its row.
    """
    texts = pd.Series(category_texts(as_array(column)), column.index, dtype=object)
    known = texts.notna() & ~texts.isin(NO_VALUE)
    times = _parsed(texts[known], form).astype("datetime64[ns]").reindex(column.index)
    broken = times.isna() & known
    broken &= ~broken.index.isin([row for row in broken.index[broken] if _is_beyond(texts[row], form)])
    if broken.any():
        row = broken.idxmax()
        raise step.StepError(
            f"column {column.name!r}: {int(broken.sum())} of {len(column)} values are not times of the form "
            f"{form}: {texts[row]} (row {row}); name another form, or fix them"
        )
    return times


def _is_beyond(text: str, form: str) -> bool:
    """Tell whether a text is a time such as 31.12.9999, which nanoseconds since 1970 do not reach."""
    try:
        return not 1678 <= datetime.strptime(text, form).year <= 2261
    except ValueError:
        return False


def _parsed(texts: pd.Series, form: str) -> pd.Series:
    """Return times, NaT where a text is not of the form or beyond what nanoseconds since 1970 hold."""
    if form in EPOCHS:
        numbers = pd.to_numeric(texts, errors="coerce")
        return pd.to_datetime(numbers, unit=EPOCHS[form], errors="coerce")
    if form == YEAR:
        return _years(pd.to_numeric(texts, errors="coerce"))
    if form == QUARTER:
        parts = texts.str.extract(_QUARTER)
        years, quarters = parts["y1"].fillna(parts["y2"]), parts["q1"].fillna(parts["q2"])
        months = quarters.map({str(quarter): f"-{3 * quarter - 2:02d}" for quarter in range(1, 5)})
        return pd.to_datetime(years + months, format="%Y-%m", errors="coerce")
    return pd.to_datetime(texts, format=form, errors="coerce", utc=True).dt.tz_localize(None)


def _years(numbers: pd.Series) -> pd.Series:
    """Return the time of each year, whose fraction is the part of it that has passed."""
    starts, ends = (_january(numbers // 1 + later) for later in (0, 1))
    return starts + (ends - starts) * (numbers % 1)


def _january(years: pd.Series) -> pd.Series:
    texts = years.map(lambda year: f"{year:04.0f}", na_action="ignore")
    return pd.to_datetime(texts, format="%Y", errors="coerce")
