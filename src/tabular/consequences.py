"""What follows from what a schema found: rows stay, are left out, or the work stops."""

from pathlib import Path

import pandas as pd

from support import step
from tabular import tables
from tabular.violations import FAILURE, TOLERATED, WARNING, left_out, lines

CONTINUE, QUARANTINE, STOP = "continue", "quarantine", "stop"


def read_related(folder: Path | None) -> dict[str, pd.DataFrame]:
    """Return the tables in a folder by the names of their files."""
    files = tables.table_files(folder) if folder else []
    return {file.stem: tables.read_table(file) for file in files}


def decide(checks: pd.DataFrame, on_warning: str, on_failure: str) -> pd.DataFrame:
    """Return failing checks, as `judge` gives them, with an ``action``: continue, quarantine or stop."""
    actions = {WARNING: on_warning, FAILURE: on_failure}
    checks = checks.assign(action=checks["verdict"].map(actions).fillna(CONTINUE))
    # no row can be left out for a column that is wrong as a whole
    rowless = (checks["rows"] == 0) & (checks["action"] == QUARANTINE)
    instead = checks["verdict"].map({WARNING: CONTINUE, FAILURE: STOP})
    return checks.assign(action=checks["action"].mask(rowless, instead))


def rows_left_out(
    delivered: pd.DataFrame,
    typed: pd.DataFrame,
    violations: pd.DataFrame,
    checks: pd.DataFrame,
    mismatch: str,
) -> pd.Index:
    """Return the rows that do not go on: those of quarantined checks, and those that cannot be read.

    Parameters
    ----------
    delivered, typed : DataFrame
        The rows as they came, and those that `check` could read.
    violations, checks : DataFrame
        As `check` and `decide` return them.
    mismatch : str
        The first line of the message: ``the table does not match orders.yml``.

    Raises
    ------
    StepError
        With one line for each check whose action is to stop: how many rows, and examples; or when no row is
        left.
    """
    stopping = checks[checks["action"] == STOP]
    if len(stopping):
        problems = [f"  {line}" for line in lines(stopping, violations, len(delivered))]
        fix = "fix the rows at their source, or the schema; --on-failure quarantine lists them all"
        raise step.StepError("\n".join([f"{mismatch}:", *problems, fix]))
    named = checks.loc[checks["action"] == QUARANTINE, ["column", "check", "reason"]]
    unreadable = delivered.index.difference(typed.index)
    out = left_out(violations, named.itertuples(index=False, name=None)).union(unreadable)
    if len(out) == len(delivered):
        raise step.StepError(
            f"{mismatch}: all {len(delivered)} rows are left out: fix the delivery, or the schema"
        )
    return out


def warnings_of(checks: pd.DataFrame, violations: pd.DataFrame, rows: int) -> list[str]:
    """Return a line for each check that more rows fail than are tolerated."""
    return lines(checks[checks["verdict"] != TOLERATED], violations, rows)
