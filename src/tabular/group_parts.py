"""Parquet larger than memory whose rows are sorted by group: in parts of whole groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from support import step
from tabular import batch_parts, tables
from tabular.columns import group_codes


def read_parts(path: Path, groups: Sequence[str], part_rows: int | None) -> Iterator[pd.DataFrame]:
    """Yield a table in parts, the rows of each group in one of them; one part at a time is in memory.

    Parameters
    ----------
    path : Path
        A table file, or a folder of them.
    groups : sequence of str
        Columns whose values together name a group.
    part_rows : int, optional
        Rows of a part, 1 or more; a larger group is a part of its own. None, and CSV: the whole table.

    Raises
    ------
    StepError
        When `part_rows` is out of range, or the rows of a group do not stand together.
    """
    if part_rows is not None and part_rows < 1:
        raise step.out_of_range("part_rows", part_rows, "1 or more")
    names = [*batch_parts.columns(path), *groups] if part_rows else []
    source = batch_parts.source(path, names, part_rows) if part_rows else None
    if source is None:
        yield tables.read_table(path)
        return
    yield from _whole_groups((tables.from_arrow(part, path) for _, part in source.parts()), groups)


def _whole_groups(parts: Iterable[pd.DataFrame], columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Hand the rows of each part's last group on to the next part."""
    finished: set[str] = set()
    carried = None
    for part in parts:
        rows = part if carried is None else pd.concat([carried, part], ignore_index=True)
        codes, names = group_codes(rows[list(columns)])
        is_last = codes == codes[-1]
        if (codes < 0).any():
            raise step.StepError(f"--part-rows: a row lacks {step.listing(list(columns))}: give it a group")
        if again := next((name for name in names if name in finished), None):
            raise step.StepError(
                f"--part-rows: the rows of {again!r} do not stand together: sort the table by "
                f"{step.listing(list(columns))}, or leave --part-rows out"
            )
        finished.update(names[code] for code in np.unique(codes[~is_last]))
        if not is_last.all():
            yield rows[~is_last].reset_index(drop=True)
        carried = rows[is_last]
    if carried is not None:
        yield carried.reset_index(drop=True)
