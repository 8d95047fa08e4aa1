"""Forecast many: predictions and intervals for rows of many groups, each by its group's model."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from modelling import models
from modelling.grouped_estimator import GroupedEstimator
from modelling.models import Model
from support import step
from tabular import batch_parts, tables


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Predict rows of many groups, with intervals.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train_many wrote")
    add("--table", type=step.input_path, required=True, help="rows to predict")
    add("--keep", nargs="*", default=[], help="columns to copy from the table into the forecasts")
    add(
        "--part-rows", type=int, default=200_000, help="rows in memory at once; larger Parquet is split (2e5)"
    )
    add(
        "--forecasts",
        type=step.output_path,
        required=True,
        help="output folder: table.parquet, or one per part; metrics",
    )
    return parser


def load(folder: Path) -> Model:
    """Return the model of many groups in `folder`."""
    model = models.load(folder)
    if not isinstance(model.estimator, GroupedEstimator):
        raise step.StepError(f"{folder} is not a model of groups: name one that train_many wrote")
    return model


def forecasts(model: Model, table: pd.DataFrame) -> pd.DataFrame:
    """Return the forecast of each row.

    Returns
    -------
    DataFrame of shape (rows, 4)
        prediction; low and high: ends of its interval, NaN without --calibration; source: ``group``, or
        ``pooled`` where the group is unknown or has no model of its own.
    """
    features = model.features.transform(table)
    predicted = model.estimator.predict(features)
    low, high = model.estimator.bounds(features, predicted)
    columns = {"prediction": predicted, "low": low, "high": high, "source": model.estimator.sources(features)}
    return pd.DataFrame(columns, index=table.index)


def read_parts(args: argparse.Namespace, model: Model) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows to predict, of Parquet at most --part-rows at once, and the file of their forecasts."""
    if args.part_rows < 1:
        raise step.out_of_range("part_rows", args.part_rows, "1 or more")
    source = batch_parts.source(args.table, [*model.features.columns, *args.keep], args.part_rows)
    if source is None:
        yield "table.parquet", tables.read_table(args.table)
        return
    for number, part in source.parts():
        yield f"part-{number:05d}.parquet", tables.from_arrow(part, args.table)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, write."""
    args = build_parser().parse_args(argv)

    model = load(args.model)
    rows = pooled = 0
    with step.new_folder(args.forecasts) as folder:
        for file, table in read_parts(args, model):
            tables.require_columns(table, args.keep, "--keep")
            found = forecasts(model, table)
            if taken := [name for name in args.keep if name in found]:
                problem = f"--keep: forecasts have their own column {taken[0]!r}"
                raise step.StepError(f"{problem}: drop it or rename it")
            tables.write_table(table[args.keep].join(found), folder / file)
            rows, pooled = rows + len(found), pooled + int((found["source"] == "pooled").sum())
        step.log_metrics(folder, {"rows": rows, "rows_pooled": pooled})
    print(f"forecast {rows} rows, {pooled} of them by the model of all groups")


if __name__ == "__main__":
    step.run_script(main)
