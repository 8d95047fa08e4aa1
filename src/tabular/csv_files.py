"""CSV files as people bring them: any separator, quoted names, decimal commas, codes with leading zeros."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from support import step
from tabular.csv_dialect import Dialect, dialect_of

# in a column of numbers or times these words say that there is none; among texts they are categories
NO_VALUE = frozenset(
    "NA N/A n/a NaN nan -nan NULL null None none <NA> #N/A #NA NaT -1.#IND 1.#QNAN".split()  # noqa: SIM905
)
_LEADING_ZERO = re.compile(rb"""(?:^|[,;\t|"'\r\n ])[+-]?0\d""", re.MULTILINE)
_CODE = r"\s*[+-]?0\d"
_SIGN = r"[+\-−]?(?!0\d)"
_GROUPS = r"[1-9]\d{{0,2}}(?:[{marks}]\d{{2,3}})*[{marks}]\d{{3}}"  # in India 12,34,567
_POWER = r"(?:[eE][+-]?\d+)?"
_SPACES = "'’ \u00a0\u202f"
PLAIN, COMMA, POINT = "plain", "decimal comma", "decimal point and thousands separators"
_STYLES = {
    PLAIN: re.compile(rf"{_SIGN}(?:\d+\.?\d*|\.\d+){_POWER}|[+-]?inf(?:inity)?", re.IGNORECASE),
    COMMA: re.compile(rf"{_SIGN}(?:{_GROUPS.format(marks='.' + _SPACES)}|\d+)(?:,\d+)?{_POWER}"),
    POINT: re.compile(rf"{_SIGN}(?:{_GROUPS.format(marks=',' + _SPACES)}|\d+)(?:\.\d+)?{_POWER}"),
}
_POINTED_GROUPS = re.compile(r"[+-]?(?:[1-9]\d{0,2}(?:\.\d{3})+|\d{1,3})")
_LONG = re.compile(r"[+-]?\d{20,}")  # more digits than a number keeps
Tell = Callable[[str], None]


def read_csv(file: Path, tell: Tell) -> pd.DataFrame:
    """Read a CSV file; only empty cells are missing, and `NO_VALUE` in columns of numbers.

    Parameters
    ----------
    file : Path
        UTF-8, or UTF-16 with its mark, with a header.
    tell : callable
        Hears, column by column, how values were read that can be read in more than one way.

    Raises
    ------
    StepError
        When two columns have the same name.
    ValueError
        When pandas cannot read the file.
    """
    dialect = dialect_of(file)
    table = _read(file, dialect)
    if not isinstance(table.index, pd.RangeIndex):  # rows are longer than the header
        is_empty = table.iloc[:, -1].isna().all()
        table = (
            _read(file, dialect, index_col=False) if is_empty else table.reset_index(names=_unnamed(table))
        )
    if rows := _short_rows(table, file, dialect):
        tell(f"row {step.listing(rows)}: shorter than the header; the cells that it lacks count as missing")
    table = _with_codes(table, file, dialect, tell)
    table = _with_numbers(table, file, dialect, tell)
    # a configuration cannot name a column over two lines
    return table.rename(columns=lambda name: re.sub(r"\s*[\r\n]\s*", " ", str(name)))


def _read(file: Path, dialect: Dialect, **options: Any) -> pd.DataFrame:
    return pd.read_csv(
        file,
        sep=dialect.separator,
        encoding=dialect.encoding,
        skiprows=dialect.skipped,
        keep_default_na=False,
        na_values=[""],
        low_memory=False,
        **options,
    )


def _short_rows(table: pd.DataFrame, file: Path, dialect: Dialect) -> list[int]:
    """Return the rows with fewer cells than the header, which pandas fills up without a word."""
    from pyarrow import ArrowInvalid, string
    from pyarrow import csv as arrow_csv

    if len(table.columns) != len(dialect.names) or not table.iloc[:, -1].isna().any():
        return []
    short: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        short.append(row.number - dialect.skipped - 2)  # it counts lines from 1, the header is one
        return "skip"

    names = [str(place) for place in range(len(table.columns))]
    encoding = "utf-16" if dialect.encoding == "utf-16" else "utf8"
    try:
        arrow_csv.read_csv(
            file,
            arrow_csv.ReadOptions(
                use_threads=False, skip_rows=dialect.skipped, column_names=names, encoding=encoding
            ),
            arrow_csv.ParseOptions(
                delimiter=dialect.separator, newlines_in_values=True, invalid_row_handler=note
            ),
            arrow_csv.ConvertOptions(include_columns=names[:1], column_types={names[0]: string()}),
        )
    except ArrowInvalid:  # a row longer than a block, which pandas has read
        return []
    return short


def _unnamed(table: pd.DataFrame) -> list[str]:
    """Return names for the columns in front that the header does not name."""
    free = (name for number in range(table.shape[1] + 99) if (name := f"unnamed {number}") not in table)
    return list(islice(free, table.index.nlevels))


def _texts(table: pd.DataFrame, file: Path, dialect: Dialect, names: Sequence[str]) -> pd.DataFrame:
    """Return some columns of `table` letter by letter."""
    if len(table.columns) != len(dialect.names):
        return table[[]]
    places = [table.columns.get_loc(name) for name in names]
    return _read(file, dialect, usecols=places, dtype=str).set_axis(names, axis="columns")


def _with_codes(table: pd.DataFrame, file: Path, dialect: Dialect, tell: Tell) -> pd.DataFrame:
    """Return codes with leading zeros as texts."""
    if not _has_leading_zeros(file, dialect):
        return table
    numbers = [str(name) for name in table.columns if table[name].dtype.kind in "iuf"]
    texts = _texts(table, file, dialect, numbers)
    codes = {name: texts[name] for name in texts if texts[name].dropna().str.match(_CODE).any()}
    for name in codes:
        tell(f"column {name!r} holds leading zeros: read as text")
    return table.assign(**codes)


def _has_leading_zeros(file: Path, dialect: Dialect) -> bool:
    """Tell whether any value of a file may begin with a zero that a number would lose."""
    if dialect.encoding == "utf-16":
        return True
    with file.open("rb") as stream:
        tail = b""
        while block := stream.read(1 << 20):
            if _LEADING_ZERO.search(tail + block):
                return True
            tail = block[-4:]
    return False


def _with_numbers(table: pd.DataFrame, file: Path, dialect: Dialect, tell: Tell) -> pd.DataFrame:
    """Return numbers that are written with a decimal comma, with groups of digits or beside `NO_VALUE`."""
    fitting = {str(name): styles for name in table.columns if (styles := _styles_of(table[name]))}
    certain = {styles[0] for styles in fitting.values() if len(styles) == 1} - {PLAIN}
    likely = COMMA if certain == {COMMA} or (not certain and dialect.separator == ";") else POINT
    numbers = {}
    for name, styles in fitting.items():
        style = styles[0] if len(styles) == 1 else likely
        numbers[name] = _converted(table[name], style)
        told = [f"numbers with a {style}"] if style != PLAIN else []
        for line in (*told, *_missing_words(table[name])):
            tell(f"column {name!r}: {line}")
    if COMMA in certain:
        numbers |= dict(_regrouped(table, file, dialect, tell))
    return table.assign(**numbers)


def _styles_of(column: pd.Series) -> list[str]:
    """Return the ways to read every text of a column as a number; none for other columns."""
    if column.dtype != object:
        return []
    texts = [text.strip() if type(text) is str else "?" for text in column.dropna().unique()]
    texts = [text for text in texts if text not in NO_VALUE]
    if any(map(_LONG.fullmatch, texts)):
        return []
    styles = [style for style, form in _STYLES.items() if texts and all(map(form.fullmatch, texts))]
    return styles[:1] if PLAIN in styles else styles


def _converted(column: pd.Series, style: str) -> pd.Series:
    values = {text: _number(text.strip(), style) for text in column.dropna().unique()}
    return pd.to_numeric(column.map(values))


def _number(text: str, style: str) -> float | int | None:
    if text in NO_VALUE:
        return None
    marks = _SPACES + {PLAIN: "", COMMA: ".", POINT: ","}[style]
    plain = text.translate(str.maketrans("−", "-", marks)).replace(",", ".")
    return int(plain) if re.fullmatch(r"[+-]?\d{1,18}", plain) else float(plain)


def _missing_words(column: pd.Series) -> Iterator[str]:
    words = column[column.isin(NO_VALUE)]
    if len(words):
        rows = step.listing(list(words.index), most=3)
        yield f"{step.listing(sorted(words.unique()))} counts as missing (row {rows})"


def _regrouped(
    table: pd.DataFrame, file: Path, dialect: Dialect, tell: Tell
) -> Iterator[tuple[str, pd.Series]]:
    """Yield columns such as 1.234 and 12.500, whose points are none where the table has decimal commas."""
    names = [str(name) for name in table.columns if table[name].dtype.kind == "f"]
    texts = _texts(table, file, dialect, names) if names else table[[]]
    for name in texts:
        known = texts[name].dropna()
        if known.str.contains(".", regex=False).any() and known.str.fullmatch(_POINTED_GROUPS).all():
            tell(f"column {name!r}: whole numbers with points between thousands")
            yield str(name), pd.to_numeric(texts[name].str.replace(".", "", regex=False))
