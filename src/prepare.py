"""Prepare: name the target, split into training and holdout, fit the features on training rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pandas as pd

from modelling.features import FeatureSpec, parse_cyclic, parse_datetime, parse_pairs
from modelling.targets import TARGET, with_target
from support import step
from tabular import tables
from tabular.columns import as_date, as_times


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Name the target, split the rows, fit the features.")
    add = parser.add_argument
    add("--table", type=step.input_path, required=True, help="table to prepare")
    add("--task", choices=["classification", "regression"], required=True, help="what is predicted")
    add("--target", required=True, help="column to predict; rows without it are left out")
    add("--threshold", type=float, help="target >= threshold is the positive class")
    add("--positive", help="label of the positive class (default: the last of two in order)")
    add("--split", choices=["time", "random"], default="random", help="how rows go to the holdout")
    add("--time-column", help="column that says when a row happened (needed for --split time)")
    add("--holdout-from", help="with --split time: rows from this date on, as 2013-01-31")
    add("--holdout-fraction", type=float, default=0.2, help="share of the rows (default: 0.2)")
    add("--random-state", type=int, default=0, help="seed of --split random (default: 0)")
    add("--numeric", nargs="*", default=[], help="feature columns that are numbers")
    add("--categorical", nargs="*", default=[], help="feature columns that are levels")
    add("--cyclic", nargs="*", default=[], help="name:period, a number that starts again, as hour:24")
    add("--datetime", nargs="*", default=[], help="name or name:part+part, as departure:weekday+hour")
    add("--pairs", nargs="*", default=[], help="first:second, whose combinations are levels")
    add("--max-levels", type=int, default=250, help="levels kept of a column (default: 250)")
    add("--known-afterwards", nargs="*", default=[], help="columns that no feature may be made of")
    add("--keep", nargs="*", default=[], help="columns kept for slices, though no feature")
    add("--training", type=step.output_path, required=True, help="folder for the training rows")
    add("--holdout", type=step.output_path, required=True, help="folder for the holdout rows")
    add("--features", type=step.output_path, required=True, help="folder for features.json")
    return parser


def declared(args: argparse.Namespace) -> FeatureSpec:
    """Return the features that the arguments declare, not yet fitted.

    Raises
    ------
    StepError
        When a declaration cannot be read, there is none, or one is made of the outcome.
    """
    spec = FeatureSpec(
        numeric=tuple(args.numeric),
        categorical=tuple(args.categorical),
        cyclic=parse_cyclic(args.cyclic),
        datetime=parse_datetime(args.datetime),
        pairs=parse_pairs(args.pairs),
        max_levels=args.max_levels,
    )
    if not spec.columns:
        kinds = "--numeric, --categorical, --cyclic, --datetime or --pairs"
        raise step.StepError(f"no feature is declared: give {kinds}")
    check_known_before(spec, args.target, args.known_afterwards)
    return spec


def check_known_before(spec: FeatureSpec, target: str, known_afterwards: Sequence[str]) -> None:
    """Raise a StepError for a feature that is made of the outcome."""
    for name in spec.columns:
        if name == target:
            raise step.StepError(f"column {name!r} is the target and no feature: take it off the list")
        if name == TARGET:
            raise step.StepError(f"column {name!r} has the name of prepared targets: rename it in the source")
        if name in known_afterwards:
            message = f"column {name!r} is known only afterwards (--known-afterwards)"
            raise step.StepError(f"{message}: no feature may be made of it, take it off the list")


def in_holdout(table: pd.DataFrame, args: argparse.Namespace) -> pd.Series:
    """Return for each row whether it goes to the holdout.

    Raises
    ------
    StepError
        When the share is none, or one side of the split is empty.
    """
    if not 0 < args.holdout_fraction < 1:
        raise step.StepError(f"--holdout-fraction: {args.holdout_fraction} is not between 0 and 1")
    chosen = late(table, args) if args.split == "time" else drawn(table, args)
    if chosen.all() or not chosen.any():
        side = "training" if chosen.all() else "the holdout"
        advice = "check --holdout-from and --holdout-fraction, or give more rows"
        raise step.StepError(f"the split leaves no row for {side}: {advice}")
    return chosen


def drawn(table: pd.DataFrame, args: argparse.Namespace) -> pd.Series:
    """Return for each row whether chance puts it into the holdout."""
    order = np.random.default_rng(args.random_state).permutation(len(table))
    return pd.Series(order < round(len(table) * args.holdout_fraction), index=table.index)


def late(table: pd.DataFrame, args: argparse.Namespace) -> pd.Series:
    """Return for each row whether it happened late enough for the holdout."""
    if not args.time_column:
        raise step.StepError("--split time needs --time-column: name the column that holds the time")
    tables.require_columns(table, [args.time_column], "--time-column")
    times = as_times(table[args.time_column])
    if args.holdout_from:
        return times >= as_date(args.holdout_from, "--holdout-from")
    return times >= times.quantile(1 - args.holdout_fraction)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, name the target, split, fit, write."""
    args = build_parser().parse_args(argv)

    spec = declared(args)
    table, classes = with_target(
        tables.read_table(args.table),
        args.target,
        args.task,
        threshold=args.threshold,
        positive=args.positive,
    )
    later = in_holdout(table, args)
    names = [*spec.columns, *filter(None, [args.time_column]), *args.keep]
    tables.require_columns(table, names, "features and --keep")
    table = table[[*dict.fromkeys(name for name in names if name != TARGET), TARGET]]
    training, holdout = table[~later], table[later]
    fitted = spec.fit(training)
    made = fitted.transform(table)
    facts = {"task": args.task, "target": args.target, "classes": classes, "features": fitted.to_dict()}
    with ExitStack() as stack:
        folders = [step.new_folder(path) for path in (args.training, args.holdout, args.features)]
        training_folder, holdout_folder, features_folder = map(stack.enter_context, folders)
        tables.write_table(training, training_folder / "table.parquet")
        tables.write_table(holdout, holdout_folder / "table.parquet")
        step.write_json(facts, features_folder / "features.json")
        metrics = {"training_rows": len(training), "holdout_rows": len(holdout)}
        step.log_metrics(features_folder, {**metrics, "features": made.shape[1]})
    print(f"prepared {len(training)} training rows, {len(holdout)} holdout rows")


if __name__ == "__main__":
    step.run_script(main)
