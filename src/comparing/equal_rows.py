"""Equal rows: those that two models, also with different columns, are both judged on, and their digest."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from support import step
from tabular import tables


class Holdout(NamedTuple):
    """Equal, labelled rows for both models."""

    rows: pd.DataFrame  # of shape (rows, columns of the challenger)
    champion_rows: pd.DataFrame  # the same rows in the same order, with the columns of the champion
    without_label: int  # rows whose label is not known yet
    left_out: int  # rows that only one of both tables had
    # of what identifies the rows, and of their labels: what is added to them later, such as a feature, makes
    # no new holdout of them
    digest: str

    @property
    def facts(self) -> dict[str, str | int]:
        """What a decision says of the holdout; `content` is the digest of all columns."""
        facts: dict[str, str | int] = {
            "digest": self.digest,
            "content": rows_digest(self.rows),
            "rows": len(self.rows),
        }
        return {**facts, "without_label": self.without_label, "left_out": self.left_out}


def read_holdout(
    path: Path, other: Path | None, key: Sequence[str], columns: Sequence[str], label: str
) -> Holdout:
    """Return the labelled rows at `path`, and the same rows as they are at `other`.

    Parameters
    ----------
    path, other : Path
        Tables; None: the same table.
    key : sequence of str
        Columns that identify a row; needed with `other`.
    columns : sequence of str
        Further columns that `path` must have.
    label : str
        Column of the label, missing until it is known.

    Raises
    ------
    StepError
        When a column is missing, rows cannot be told apart, or none is left.
    """
    rows = others = tables.read_table(path)
    tables.require_columns(rows, [label, *key, *columns], "--holdout")
    total = len(rows)
    if other:
        rows, others = equal_rows(rows, tables.read_table(other), key)
    labelled = rows[label].notna().to_numpy()
    if not labelled.any():
        raise step.StepError(f"{path}: no row has a label yet: wait for them, nothing can be judged")
    left_out, known = total - len(rows), rows[labelled].reset_index(drop=True)
    digest = rows_digest(known[[*key, label]])
    return Holdout(known, others[labelled].reset_index(drop=True), int((~labelled).sum()), left_out, digest)


def equal_rows(
    first: pd.DataFrame, second: pd.DataFrame, key: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that both tables have, by the columns in `key`, in the order of the first.

    Raises
    ------
    StepError
        When no key is given, a column of it is missing, several rows have the same key, or no row is left.
    """
    if not key:
        raise step.StepError("--champion-holdout needs --row-key: name the columns that identify a row")
    sides = {"--holdout": first, "--champion-holdout": second}
    for argument, table in sides.items():
        tables.require_columns(table, key, argument)
        if table.duplicated([*key]).any():
            raise step.StepError(
                f"{argument}: several rows have the same --row-key: name more columns that identify a row"
            )
    own, other = (table[[*key]].assign(**{name: range(len(table))}) for name, table in sides.items())
    pairs = own.merge(other, on=[*key]).sort_values("--holdout")
    if pairs.empty:
        raise step.StepError(
            "--holdout and --champion-holdout have no row in common: compare their --row-key"
        )
    return first.iloc[pairs["--holdout"]], second.iloc[pairs["--champion-holdout"]]


def rows_digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 of rows in their order, whatever file they were in."""
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashlib.sha256("\0".join(map(str, table.columns)).encode() + rows.tobytes()).hexdigest()
