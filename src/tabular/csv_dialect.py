"""How a CSV file is written: its separator, its encoding, its header."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from support import step

SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    separator: str
    encoding: str
    skipped: int  # lines before the header
    names: tuple[str, ...]  # of the header


def dialect_of(file: Path) -> Dialect:
    """Return the dialect of a file, from its first lines."""
    encoding = _encoding(file)
    with file.open(encoding=encoding, newline="") as stream:
        lines = list(islice(stream, 20))
    declared = _SEPARATOR_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    lines = lines[1:] if declared else lines
    separator = declared[1] if declared else max(SEPARATORS, key=lambda mark: _fitness(lines, mark))
    names = next(iter(_rows(lines, separator, 1)), [])
    stripped = [name.strip() for name in names]
    twice = sorted({name for name in stripped if stripped.count(name) > 1 and name})
    if twice:
        raise step.StepError(
            f"{file}:{2 if declared else 1}: column {twice[0]!r} is duplicated: rename one of them"
        )
    return Dialect(separator, encoding, int(bool(declared)), tuple(names))


def _encoding(file: Path) -> str:
    with file.open("rb") as stream:
        mark = stream.read(2)
    return "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _rows(lines: Sequence[str], separator: str, most: int) -> list[list[str]]:
    try:
        return list(islice(csv.reader(lines, delimiter=separator), most))
    except csv.Error:  # a field beyond csv's limit, say
        return []


def _fitness(lines: Sequence[str], separator: str) -> tuple[int, int]:
    """Return how well a separator fits: names in the header, first of all where the next row has as many."""
    rows = _rows(lines, separator, 2)
    names = len(rows[0]) if rows else 0
    following = len(rows[1]) if len(rows) > 1 else 0
    # a separator at the end of each row, or names of rows that the header does not name
    is_longer = names > 1 and following == names + 1
    return (names if following == names or is_longer else 0, names)
