"""Score a batch: predictions for each row of a table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import pandas as pd

import models
import tables
import utils
from models import Model
from outputs import named


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Predict each row of a table.")
    parser.add_argument("--model", type=utils.input_path, required=True, help="model that train wrote")
    parser.add_argument("--table", type=utils.input_path, required=True, help="rows to predict")
    parser.add_argument("--keep", nargs="*", default=[], help="columns that the scores carry along")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="two classes: probability of the positive (0.5)"
    )
    parser.add_argument("--scores", type=utils.output_path, required=True, help="folder for table.parquet")
    return parser


def scores(model: Model, table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the prediction for each row.

    Returns
    -------
    DataFrame of shape (rows, 1), (rows, 2) or (rows, 1 + classes)
        The columns of `outputs.named`.
    """
    return pd.DataFrame(named(model.predict(table), model.classes, threshold), index=table.index)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, write."""
    args = build_parser().parse_args(argv)

    model = models.load(args.model)
    table = tables.read_table(args.table)
    tables.require_columns(table, args.keep, "--keep")
    made = scores(model, table, args.threshold)
    for name in args.keep:
        if name in made.columns:
            raise utils.StepError(
                f"--keep: the scores have a column {name!r} of their own: leave it out, or rename it"
            )
    with utils.new_folder(args.scores) as folder:
        tables.write_table(table[args.keep].join(made), folder / "table.parquet")
        metrics = {"rows": float(len(made))}
        if "probability" in made:
            metrics["mean_probability"] = float(made["probability"].mean())
        utils.log_metrics(folder, metrics)
    print(f"scored {len(made)} rows")


if __name__ == "__main__":
    utils.run_script(main)
