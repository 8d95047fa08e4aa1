"""What each column is good for: a feature of some kind, or nothing, and why."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from operation.engine.configuration.variables import is_open
from operation.engine.delivery.scaffolding.leakage import sums, telltale
from operation.engine.delivery.scaffolding.missing import LARGEST

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["numeric", "categorical", "datetime", "dropped"]

MOST_CATEGORIES = 250  # what prepare keeps of a column by default
UNIQUE_SHARE = 0.5  # more categories than half the rows: names, not kinds
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}.*)?)?")
_OTHER_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}( .*)?")
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
_WITH_UNIT = (
    r"[^\w\s]{0,2}(?:[A-Z]{3} )?\d[\d.,' ]*(?:[^\w\s]{1,2}|(?<=[ .,]\d)[A-Za-z]{1,3}| [A-Za-z]{1,4})?"
)
_MARK = r"[^\d.,' ]"
_IDENTIFIER = re.compile(
    r"(^|[^a-z])(id|uuid|guid|key|index|number|no|nr|code|row)s?([^a-z]|$)|[a-z]Id$|^unnamed"
)


@dataclass(frozen=True)
class Column:
    """One column and what was guessed about it."""

    name: str
    kind: Kind  # how prepare will treat it
    reason: str  # why
    parts: tuple[str, ...] = ()  # of a time: the parts that vary
    warning: str = ""  # what speaks against it as a feature

    @property
    def declaration(self) -> str:
        """How prepare's arguments name the column."""
        return f"{self.name}:{'+'.join(self.parts)}" if self.parts else self.name


def guess_columns(table: pd.DataFrame, target: str) -> list[Column]:
    """Guess every column of `table` but the target, in the table's order."""
    whole = sums(table, target)
    others = [name for name in table.columns if name != target]
    return [_guess_beside(table[name], table[target], whole.get(name)) for name in others]


def _guess_beside(values: pd.Series, target: pd.Series, reason: str | None) -> Column:
    """Guess one column; what tells the target is left out, what nearly does comes with a warning."""
    found = telltale(values, target)
    if found and found.is_exact:
        reason = found.reason
    if reason:
        return Column(str(values.name), "dropped", reason)
    guessed = guess_column(values)
    return replace(guessed, warning=found.reason) if found and guessed.kind != "dropped" else guessed


def guess_column(values: pd.Series) -> Column:
    """Guess one column."""
    from pandas.api import types

    name, known = str(values.name), values.dropna()
    dropped = unusable_name(name) or unusable_values(known)
    if name == "target":
        dropped = "prepare uses this name for the target: rename the column"
    if dropped:
        return Column(name, "dropped", dropped)
    if types.is_datetime64_any_dtype(values) or is_iso_time(known):
        return _time(name, known)
    if types.is_bool_dtype(known.infer_objects()):
        return Column(name, "categorical", "true or false")
    if types.is_numeric_dtype(values):
        return _infinite(name, known) or _number(name, known)
    if types.infer_dtype(known, skipna=True) == "decimal":
        return Column(name, "numeric", "decimal numbers")
    return _text(name, known)


def unusable_name(name: str) -> str | None:
    """Return why a configuration cannot name the column, or None."""
    if not name.strip() or "\0" in name or name.startswith("-") or is_open(name):
        return "a configuration cannot hold its name: rename the column"
    return None


def unusable_values(known: pd.Series) -> str | None:
    """Return why nothing can be learned from the values of a column, or None."""
    from pandas.api import types

    if known.empty:
        return "empty"
    kind = types.infer_dtype(known, skipna=True)
    if kind in {"mixed", "bytes", "timedelta", "timedelta64", "time", "period", "interval", "complex"}:
        return f"its values are {kind}, neither numbers nor text nor times"
    if known.nunique() == 1:
        return f"one value only, {known.iloc[0]!s}"
    return None


def is_iso_time(known: pd.Series) -> bool:
    """Tell whether every value is a time such as 2013-01-31 or 2013-01-31T05:00."""
    import pandas as pd
    from pandas.api import types

    if types.infer_dtype(known, skipna=True) in {"date", "datetime"}:
        return True
    if not types.is_object_dtype(known) and not types.is_string_dtype(known):
        return False
    text = known.astype(str)
    if known.empty or not text.str.fullmatch(_DATE).all():
        return False
    return bool(pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601").notna().all())


def _time(name: str, known: pd.Series) -> Column:
    import pandas as pd

    times = pd.to_datetime(known, utc=True, format="ISO8601")
    # nanoseconds hold no more than 292 years
    span = (times.max().to_pydatetime() - times.min().to_pydatetime()).days
    varying = {
        "hour": times.dt.hour.nunique() > 1,
        # of the first days of months or years, the weekday says nothing
        "weekday": span > 7 and times.dt.day.nunique() > 1 and times.dt.weekday.nunique() > 1,
        # in one year the month is the time itself
        "month": span > 2 * 365 and times.dt.month.nunique() > 1,
    }
    parts = tuple(part for part, varies in varying.items() if varies)
    if not parts:
        return Column(name, "dropped", "a time without parts that vary")
    return Column(name, "datetime", "times", parts)


def _infinite(name: str, known: pd.Series) -> Column | None:
    """Leave out a column of infinite values: those of which few are infinite have been told as missing."""
    sizes = known.astype("float64").abs()
    for limit, what in ((sys.float_info.max, "infinite"), (LARGEST, f"beyond {LARGEST:g}")):
        rows = known.index[sizes > limit]
        if len(rows):
            return Column(name, "dropped", f"{what} in {len(rows)} rows, the first of them {rows[0]}")
    return None


def _number(name: str, known: pd.Series) -> Column:
    from pandas.api import types

    whole = types.is_integer_dtype(known) or bool((known % 1 == 0).all())
    steps = known.sort_values().diff().dropna()
    is_identifier = looks_like_key(name) or (steps == 1).all()
    if whole and known.is_unique and len(known) > 2 and is_identifier:
        return Column(name, "dropped", "unique whole numbers: they identify rows")
    return Column(name, "numeric", "numbers")


def looks_like_key(name: str) -> bool:
    """Tell whether a column's name says that it identifies something."""
    return bool(_IDENTIFIER.search(name) or _IDENTIFIER.search(name.lower()))


def _text(name: str, known: pd.Series) -> Column:
    text = known.astype(str)
    categories = text.nunique()
    if text.head(1000).str.fullmatch(_DATE).all():
        return Column(name, "dropped", "times of which some do not exist, or beyond the years 1678 to 2261")
    if text.head(1000).str.fullmatch(_OTHER_DATE).all():
        reason = "times of which day or month may come first, or of several forms: name it, times: of ingest"
        return Column(name, "dropped", reason)
    if categories > max(2, UNIQUE_SHARE * len(known)):
        return Column(name, "dropped", f"{categories} texts in {len(known)} rows: {_why_texts(known)}")
    if categories > MOST_CATEGORIES:
        return Column(name, "dropped", f"{categories} categories: too many to learn from")
    return Column(name, "categorical", f"{categories} categories")


def _why_texts(known: pd.Series) -> str:
    """Return what unique texts are: names of rows, or numbers that cannot be read as such."""
    import pandas as pd

    if known.str.fullmatch(_CLOCK).all():
        return "times of day"
    if known.str.fullmatch(_WITH_UNIT).mean() > 0.9:
        row = known.str.contains(_MARK).idxmax()
        return f"numbers with signs or units, such as {known[row]!r} (row {row})"
    numbers = pd.to_numeric(known, errors="coerce").notna()
    if numbers.mean() < 0.5 or numbers.all():
        return "they identify rows"
    row = numbers.idxmin()
    return f"{(~numbers).sum()} are no numbers, such as {known[row]!r} (row {row})"
