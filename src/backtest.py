"""Backtest: what models of groups would have forecast from earlier times on, beside simple forecasts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from comparing import paired
from comparing.paired import Quantity
from modelling.backtesting import Origins, backtest, by_group, coverage, wape
from modelling.features import FeatureSpec
from modelling.fitted_groups import Failures
from modelling.group_arguments import add_group_arguments, plan_of
from modelling.group_rows import GroupRows, read_group_rows
from modelling.hyperparameters import add_arguments, check_ranges
from support import step
from tabular import tables
from tabular.columns import as_times

ERROR_RATE = 0.025  # on either side of an interval


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Forecast the past from rolling origins, and measure it.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--holdout", type=step.input_path, help="holdout rows that prepare wrote: origins may lie in them")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    add_group_arguments(parser)
    add_arguments(parser)
    add("--origins", type=int, default=12, help="times from which is forecast, the latest (12)")
    add("--every", type=int, default=7, help="periods between origins: so far ahead is forecast (7)")
    add("--refit", type=int, default=4, help="train again at every so many origins (4)")
    baselines = "columns that are forecasts themselves, such as a lag or a mean of earlier values"
    add("--baselines", nargs="*", default=[], help=baselines)
    resamples = "resamples of the interval of a difference, whole groups at a time (10000)"
    add("--resamples", type=int, default=10_000, help=resamples)
    add("--report", type=step.output_path, required=True, help="output folder: metrics, forecasts, groups")
    parser.set_defaults(same_bytes=("workers",))
    return parser


def check(args: argparse.Namespace, prepared: Mapping[str, Any]) -> None:
    """Raise a StepError for arguments that do not fit each other or the features."""
    for name in ("origins", "every", "refit", "resamples"):
        if getattr(args, name) < 1:
            raise step.out_of_range(name, getattr(args, name), "1 or more")
    if not args.time_column:
        raise step.StepError("backtest needs --time-column: name the column of times")
    if prepared["task"] != "regression":
        raise step.StepError("groups have models of numbers, not of classes: prepare with --task regression")
    if prepared.get("horizon", args.every) < args.every:
        raise step.StepError(
            f"--every: {args.every} ahead is farther than the features look: {prepared['horizon']}; "
            f"prepare with --horizon {args.every}, or lower --every"
        )


def read_rows(args: argparse.Namespace) -> pd.DataFrame:
    """Return the training rows, and those of the holdout."""
    folders = [args.training, *([args.holdout] if args.holdout else [])]
    table = pd.concat([tables.read_table(folder) for folder in folders], ignore_index=True)
    tables.require_columns(table, [args.time_column, *args.baselines], "--time-column and --baselines")
    return table


def metrics_of(
    forecasts: pd.DataFrame, columns: Sequence[str], resamples: int, seed: int
) -> dict[str, float]:
    """Return the WAPE of each column of forecasts, and how `predicted` differs from each other one.

    Returns
    -------
    dict of str to float
        rows; wape_<column>; coverage; for each other column, ``gain_<column>``: its WAPE minus that of
        `predicted`, with the ends ``_low`` and ``_high`` of its interval at 95 %, over whole groups.
    """
    actual = forecasts["actual"].to_numpy()
    errors = {name: np.abs(actual - forecasts[name].to_numpy()) for name in columns}
    found = {"rows": float(len(forecasts))}
    found |= {f"wape_{name}": wape(actual, forecasts[name].to_numpy()) for name in columns}
    if forecasts["low"].notna().any():
        found["coverage"] = coverage(forecasts)
    others = [name for name in columns if name != "predicted"]
    units = paired.unit_codes(forecasts["group"], len(forecasts), seed)
    everywhere, total = np.full(len(actual), fill_value=True), np.abs(actual).mean()
    quantities = [Quantity((errors[name] - errors["predicted"]) / total, everywhere) for name in others]
    rates = [ERROR_RATE] * len(others)
    for name, estimate in zip(
        others, paired.estimates(quantities, units, rates, resamples, seed), strict=True
    ):
        found |= {f"gain_{name}": estimate.value}
        found |= {f"gain_{name}_low": estimate.low, f"gain_{name}_high": estimate.high}
    return found


def errors_of(rows: GroupRows, failed: Sequence[tuple[Any, Failures]]) -> pd.DataFrame:
    """Return why groups had no model of their own: origin, group, type, message and line."""
    records = [
        (origin, rows.names[group], *failure) for origin, found in failed for group, failure in found.items()
    ]
    table = pd.DataFrame(records, columns=["origin", "group", "type", "message", "line"])
    texts = dict.fromkeys(["group", "type", "message", "line"], str)
    return table.astype({"origin": "datetime64[ns]", **texts})


def main(argv: Sequence[str] | None = None) -> None:
    """Read, forecast, measure, write."""
    args = build_parser().parse_args(argv)
    check_ranges(args)
    prepared = step.read_json(args.features / "features.json")
    check(args, prepared)

    table = read_rows(args)
    spec = FeatureSpec.from_dict(prepared["features"])
    rows, spec = read_group_rows(table, spec, args.group_columns, args.time_column)
    times = as_times(table[args.time_column]).to_numpy()[rows.order]
    origins = Origins(args.origins, args.every, args.refit)
    forecasts, failed = backtest(rows, times, plan_of(args, spec), origins)
    taken = rows.order[forecasts.pop("row")]
    for name in args.baselines:
        forecasts[name] = table[name].to_numpy("float64")[taken]
    columns = ["predicted", "pooled", *args.baselines]
    forecasts = forecasts.dropna(subset=["actual", *columns], ignore_index=True)
    if forecasts.empty:
        raise step.StepError("no row after the first origin has a target and --baselines: lower --origins")
    found = metrics_of(forecasts, columns, args.resamples, args.random_state)
    groups = by_group(forecasts, columns)
    for name in columns[1:]:
        found[f"groups_won_by_{name}"] = float((groups[f"wape_{name}"] < groups["wape_predicted"]).sum())
    with step.new_folder(args.report) as folder:
        tables.write_table(forecasts, folder / "forecasts.parquet")
        tables.write_table(groups, folder / "groups.parquet")
        tables.write_table(errors_of(rows, failed), folder / "errors.parquet")
        step.log_metrics(folder, {**found, "groups": float(len(groups))})
    summary = ", ".join(f"{name} {found[f'wape_{name}']:.4f}" for name in columns)
    print(f"{args.origins} origins, {len(groups)} groups, WAPE: {summary}")


if __name__ == "__main__":
    step.run_script(main)
