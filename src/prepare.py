"""Prepare: name the target, split into training and holdout, fit the features on training rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import utils

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from features import FeatureSpec

TARGET = "target"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Name the target, split the rows, fit the features.")
    parser.add_argument("--table", type=utils.input_path, required=True, help="table to prepare")
    parser.add_argument("--task", choices=["classification", "regression"], required=True, help="what is predicted")
    parser.add_argument("--target", required=True, help="column to predict; rows without it are left out")
    parser.add_argument("--threshold", type=float, help="target >= threshold is the positive class")
    parser.add_argument("--positive", help="label of the positive class (default: the last of two in order)")
    parser.add_argument("--split", choices=["time", "random"], default="random", help="how rows go to the holdout")
    parser.add_argument("--time-column", help="column that says when a row happened (needed for --split time)")
    parser.add_argument("--holdout-from", help="with --split time: rows from this date on, as 2013-01-31")
    parser.add_argument("--holdout-fraction", type=float, default=0.2, help="share of the rows (default: 0.2)")
    parser.add_argument("--random-state", type=int, default=0, help="seed of --split random (default: 0)")
    parser.add_argument("--numeric", nargs="*", default=[], help="feature columns that are numbers")
    parser.add_argument("--categorical", nargs="*", default=[], help="feature columns that are levels")
    parser.add_argument("--cyclic", nargs="*", default=[], help="name:period, a number that starts again, as hour:24")
    parser.add_argument("--datetime", nargs="*", default=[], help="name or name:part+part, as departure:weekday+hour")
    parser.add_argument("--pairs", nargs="*", default=[], help="first:second, whose combinations are levels")
    parser.add_argument("--max-levels", type=int, default=250, help="levels kept of a column (default: 250)")
    parser.add_argument("--known-afterwards", nargs="*", default=[], help="columns that no feature may be made of")
    parser.add_argument("--keep", nargs="*", default=[], help="columns kept for slices, though no feature")
    parser.add_argument("--training", type=utils.output_path, required=True, help="folder for the training rows")
    parser.add_argument("--holdout", type=utils.output_path, required=True, help="folder for the holdout rows")
    parser.add_argument("--features", type=utils.output_path, required=True, help="folder for features.json")
    return parser


def declared(args: argparse.Namespace) -> FeatureSpec:
    """Return the features that the arguments declare, not yet fitted.

    Raises
    ------
    StepError
        When a declaration cannot be read, there is none, or one is made of the outcome.
    """
    import features

    spec = features.FeatureSpec(
        numeric=tuple(args.numeric),
        categorical=tuple(args.categorical),
        cyclic=features.parse_cyclic(args.cyclic),
        datetime=features.parse_datetime(args.datetime),
        pairs=features.parse_pairs(args.pairs),
        max_levels=args.max_levels,
    )
    if not spec.columns:
        raise utils.StepError("no feature is declared: give --numeric, --categorical, --cyclic, --datetime or --pairs")
    for name in spec.columns:
        if name in (args.target, TARGET):
            raise utils.StepError(f"column {name!r} is the target and cannot be a feature too: take it off the list")
        if name in args.known_afterwards:
            raise utils.StepError(f"column {name!r} is known only afterwards (--known-afterwards): no feature may be made of it")
    return spec


def with_target(table: pd.DataFrame, args: argparse.Namespace) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that have a target, with it in column `TARGET`, and the classes.

    Returns
    -------
    table : DataFrame
        `TARGET` holds a float for regression, else the position of the row's class (int64).
    classes : list of str
        Names of the classes, the positive one of two last; empty for regression.
    """
    import pandas as pd

    utils.require_columns(table, [args.target], "--target")
    values = table[args.target]
    known = table[values.notna()]
    if known.empty:
        raise utils.StepError(f"column {args.target!r} has no values: choose another --target")
    values = known[args.target]
    needs_numbers = args.task == "regression" or args.threshold is not None
    if needs_numbers and not pd.api.types.is_numeric_dtype(values):
        raise utils.StepError(f"column {args.target!r} holds {values.iloc[0]!r}, not numbers: use --task classification without --threshold")
    if args.task == "regression":
        return known.assign(**{TARGET: values.astype("float64")}), []
    if args.threshold is not None:
        labels, classes = values >= args.threshold, [f"< {args.threshold:g}", f">= {args.threshold:g}"]
        return known.assign(**{TARGET: labels.astype("int64")}), _two(classes, labels.nunique(), args.target)
    return _labelled(known, values, args)


def _labelled(known: pd.DataFrame, values: pd.Series, args: argparse.Namespace) -> tuple[pd.DataFrame, list[str]]:
    """Return rows and classes of a target that holds labels."""
    from features import _text

    labels = _text(values)
    classes = sorted(labels.unique())
    if args.positive is not None:
        if args.positive not in classes:
            near = utils.nearest(args.positive, classes)
            raise utils.StepError(f"--positive: column {args.target!r} has no {args.positive!r}{near}; it has: {utils.listing(classes)}")
        labels = labels.where(labels == args.positive, f"not {args.positive}")
        others = [name for name in classes if name != args.positive]
        classes = [others[0] if len(others) == 1 else f"not {args.positive}", args.positive]
        return known.assign(**{TARGET: (labels == args.positive).astype("int64")}), _two(classes, labels.nunique(), args.target)
    codes = labels.map({name: code for code, name in enumerate(classes)})
    return known.assign(**{TARGET: codes.astype("int64")}), _two(classes, len(classes), args.target)


def _two(classes: list[str], found: int, target: str) -> list[str]:
    """Return `classes`, if rows of at least two of them were found."""
    if found < 2:
        raise utils.StepError(f"all rows have the same class of {target!r}: there is nothing to learn; check the target and --threshold")
    return classes


def in_holdout(table: pd.DataFrame, args: argparse.Namespace) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each row whether it goes to the holdout.

    Raises
    ------
    StepError
        When one side of the split is empty.
    """
    import numpy as np

    if not 0 < args.holdout_fraction < 1:
        raise utils.StepError(f"--holdout-fraction: {args.holdout_fraction} is not between 0 and 1")
    if args.split == "time":
        chosen = _late(table, args)
    else:
        order = np.random.default_rng(args.random_state).permutation(len(table))
        chosen = order < round(len(table) * args.holdout_fraction)
    if chosen.all() or not chosen.any():
        side = "training" if chosen.all() else "holdout"
        raise utils.StepError(f"the split leaves no row for {side}: check --holdout-from and --holdout-fraction")
    return chosen


def _late(table: pd.DataFrame, args: argparse.Namespace) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return for each row whether it is late enough in time for the holdout."""
    from ingest import as_date, as_times

    if not args.time_column:
        raise utils.StepError("--split time needs --time-column: name the column that holds the time")
    utils.require_columns(table, [args.time_column], "--time-column")
    times = as_times(table[args.time_column])
    start = as_date(args.holdout_from, "--holdout-from") if args.holdout_from else times.quantile(1 - args.holdout_fraction)
    return (times >= start).to_numpy()


def main(argv: Sequence[str] | None = None) -> None:
    """Read, name the target, split, fit, write."""
    args = build_parser().parse_args(argv)
    spec = declared(args)
    table, classes = with_target(utils.read_table(args.table), args)
    chosen = in_holdout(table, args)
    kept = list(dict.fromkeys([*spec.columns, *([args.time_column] if args.time_column else []), *args.keep]))
    utils.require_columns(table, kept, "features and --keep")
    table = table[[*(name for name in kept if name != TARGET), TARGET]]
    fitted = spec.fit(table[~chosen])
    facts = {"task": args.task, "target": args.target, "classes": classes, "features": fitted.to_dict()}
    folders = (utils.new_folder(args.training), utils.new_folder(args.holdout), utils.new_folder(args.features))
    with folders[0] as training, folders[1] as holdout, folders[2] as features:
        utils.write_table(table[~chosen], training / "table.parquet")
        utils.write_table(table[chosen], holdout / "table.parquet")
        utils.write_json(facts, features / "features.json")
        counts = {"training_rows": int((~chosen).sum()), "holdout_rows": int(chosen.sum())}
        utils.log_metrics(features, {**counts, "features": len(fitted.transform(table.head(1)).columns)})
    print(f"prepared {counts['training_rows']} training rows, {counts['holdout_rows']} holdout rows")


if __name__ == "__main__":
    utils.run_script(main)
