"""The table of a new use case, read as its own steps will read it."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.delivery.scaffolding.columns import unusable_name
from operation.engine.delivery.scaffolding.split import is_time
from operation.engine.delivery.scaffolding.time_forms import is_year, time_form
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import read_parquet
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.annotations import is_json
from operation.engine.identity.notebook_parameters import printable
from operation.engine.steps.runners import run_script

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """What is known of a new use case; what is None is guessed."""

    name: str
    data: Path
    target: str
    time_column: str | None = None
    task: str | None = None
    split: str | None = None
    group_column: str | None = None
    time_format: str | None = None


def read(request: Request, layout: Layout) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the table, and the form of every column of times that is not written in ISO 8601.

    Raises
    ------
    UsageError
        For data or columns that do not exist.
    """
    table = _read_table(request.data, layout, {})
    for option in ("target", "time_column", "group_column"):
        if name := getattr(request, option):
            _require_column(table, name, f"--{option.replace('_', '-')}")
    forms = _forms(table, request)
    return _read_table(request.data, layout, forms) if forms else table, forms


def _read_table(data: Path, layout: Layout, forms: Mapping[str, str]) -> pd.DataFrame:
    """Read a CSV or Parquet file, or a folder of them, through ``src/ingest.py``."""
    if not data.exists():
        siblings = [path.name for path in data.parent.glob("*")]
        raise UsageError(f"--data: there is no {data}.{did_you_mean(data.name, siblings)}")
    if not is_json(str(data.resolve())):
        raise UsageError(f"--data: the name of {printable(str(data))} is not UTF-8: rename it.")
    times = ["--times", *(f"{name}={form}" for name, form in forms.items())] if forms else []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        said = io.StringIO()
        with redirect_stdout(said) if forms else nullcontext():
            run_script(layout.src / "ingest.py", [f"--data={data.resolve()}", f"--table={table}", *times])
        for line in said.getvalue().splitlines():  # the first reading has told the rest
            if line.startswith(tuple(f"column {name!r}: " for name in forms)):
                print(line)
        return read_parquet(table / "table.parquet")


def _require_column(table: pd.DataFrame, name: str, option: str) -> None:
    """Raise a UsageError for a column that `table` does not have, or that cannot be used."""
    if name not in table.columns:
        known = listed(table.columns, "and")
        raise UsageError(
            f"{option}: there is no column '{name}'.{did_you_mean(name, table.columns)} Known: {known}."
        )
    if problem := unusable_name(name):
        raise UsageError(f"{option}: column '{name}' cannot be used: {problem}.")


def _forms(table: pd.DataFrame, request: Request) -> dict[str, str]:
    names = [name for name in table.columns if name != request.target and not unusable_name(name)]
    forms = {name: form for name in names if (form := time_form(table[name])) and "|" not in form}
    column, may_be_by_time = request.time_column, request.split in (None, "time")
    if column is None and may_be_by_time and not forms and not any(is_time(table[name]) for name in names):
        column = next((name for name in names if is_year(table[name])), None)
    if column is not None and column not in forms and is_year(table[column]):
        forms[column] = "year"
    if request.time_format:
        if request.time_column is None:
            raise UsageError("--time-format: it is the form of --time-column: name that too.")
        forms[request.time_column] = request.time_format
    return forms
