"""Join outcomes: labels that arrive later, with the rows that were scored."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pandas as pd

from scoring import scored_parts
from scoring.scored_form import INPUT
from support import step
from tabular import tables
from tabular.columns import as_categories

REQUEST = ("request_id", "row")
LABEL = "label"
SEPARATOR = "\x1f"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Join labels that arrive later with scored rows.")
    add = parser.add_argument
    add("--log", type=step.input_path, required=True, help="log of a service or of batch_score")
    add("--labels", type=step.input_path, required=True, help="table of labels, or folder of such tables")
    key = "columns of both that identify a row (default: request_id, and row where the labels have it)"
    add("--key", nargs="+", default=[], help=key)
    add("--label", default=LABEL, help="column of the label (default: label)")
    add("--joined", type=step.output_path, required=True, help="output folder: table.parquet")
    return parser


def join(scored: pd.DataFrame, labels: pd.DataFrame, key: Sequence[str], label: str) -> pd.DataFrame:
    """Return the scored rows with their label, which is missing where it is not known yet.

    Parameters
    ----------
    scored : DataFrame
        As returned by `scored_parts.read`.
    labels : DataFrame
        With the columns of `key` and `label`; of rows with the same key the last one that has a label counts.
    key : sequence of str
        Columns of `labels`; in `scored` they are columns of their own, or inputs. Compared as text: 1, 1.0
        and "1" are the same.
    label : str
        Column of `labels`; it becomes the column label.

    Raises
    ------
    StepError
        When a column is missing, or a request of several rows is named without the row.
    """
    tables.require_columns(labels, [*key, label], "--labels")
    scored_keys = _as_text(scored, [_log_column(scored, name) for name in key])
    known = labels[labels[label].notna()]
    keys = _as_text(known, key)
    last = ~keys.duplicated(keep="last")
    values = dict(zip(keys[last], known.loc[last, label], strict=True))
    joined = scored.assign(**{LABEL: scored_keys.map(values)})
    if "request_id" in key and "row" not in key:
        _check_single(joined)
    return joined


def _log_column(scored: pd.DataFrame, name: str) -> str:
    """Return the column of `scored` that `name` stands for."""
    if name not in scored and INPUT + name in scored:
        return INPUT + name
    if name not in scored:
        known = [column.removeprefix(INPUT) for column in scored.columns]
        raise step.StepError(f"--key: the log has no column {name!r}{step.nearest(name, known)}")
    return name


def _as_text(table: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Return one text for each row, the same for rows with the same values in `columns`."""
    texts = [as_categories(table[name]).fillna("").tolist() for name in columns]
    return pd.Series([SEPARATOR.join(values) for values in zip(*texts, strict=True)], index=table.index)


def _check_single(joined: pd.DataFrame) -> None:
    # a row that two models scored is one row
    labelled = joined.loc[joined[LABEL].notna(), [*REQUEST]].drop_duplicates()["request_id"]
    several = labelled[labelled.duplicated()]
    if len(several):
        raise step.StepError(
            f"--labels: request {several.iloc[0]} has several rows but one label: "
            "add the column row to the labels"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Read, join, write."""
    args = build_parser().parse_args(argv)

    (scored, unreadable), labels = scored_parts.read_counted(args.log), tables.read_table(args.labels)
    key = args.key or [name for name in REQUEST if name == REQUEST[0] or name in labels]
    joined = join(scored, labels, key, args.label)
    labelled = int(joined[LABEL].notna().sum())
    with step.new_folder(args.joined) as folder:
        tables.write_table(joined, folder / "table.parquet")
        counts = {"rows": len(joined), "labelled": labelled, "labels": len(labels)}
        step.log_metrics(folder, {**counts, "unreadable_records": unreadable})
    skipped = f"; {unreadable} unreadable records were skipped" if unreadable else ""
    print(f"{labelled} of {len(joined)} scored rows have a label, of {len(labels)} labels{skipped}")


if __name__ == "__main__":
    step.run_script(main)
