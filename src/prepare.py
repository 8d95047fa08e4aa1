"""Prepare: name the target, split into training and holdout, fit the features on training rows."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from modelling.features import FeatureSpec, parse_computed, parse_cyclic, parse_datetime, parse_pairs
from modelling.targets import TARGET, with_target
from support import step
from tabular import feature_store, tables
from tabular.columns import as_date, as_times, joined_categories
from tabular.group_parts import read_parts
from tabular.series import in_order, parse_windows
from tabular.splits import drawn, grouped, late, stratified


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Name the target, split the rows, fit the features.")
    add = parser.add_argument
    add("--table", type=step.input_path, required=True, help="table to prepare")
    add("--task", choices=["classification", "regression"], required=True, help="what is predicted")
    add("--target", required=True, help="column to predict; rows without it are dropped")
    add("--threshold", type=float, help="targets at or above this count as positive")
    add("--positive", help="label of the positive class (default: the last of two in order)")
    splits = "the latest rows, whole groups, the same share of each class, or any (default: random)"
    add("--split", choices=["time", "group", "stratified", "random"], default="random", help=splits)
    add("--time-column", help="column with the time of a row (for --split time, --lags and --feature-tables)")
    known = "feature tables that materialise wrote, whose columns are added as known at the time of each row"
    add("--feature-tables", type=step.input_path, help=known)
    group = "columns whose equal values together belong together, such as a person, or shop and product: for "
    add("--group-column", nargs="+", help=group + "--split group, --lags and --windows")
    past = "earlier values of the target as features: so many rows back in time; a request brings them along"
    add("--lags", type=int, nargs="*", default=[], help=past)
    windows = "functions of several, as function:periods:periods, e.g. mean:7:14:21:28 or median:7-34"
    add("--windows", nargs="*", default=[], help=windows)
    frequency = (
        "count --lags and --windows in periods such as D or 15min, not in rows: gaps are missing values"
    )
    add("--frequency", help=frequency)
    horizon = "how far ahead is predicted; --lags and --windows that are not known by then are refused (1)"
    add("--horizon", type=int, default=1, help=horizon)
    parts = "rows in memory at once, of Parquet in which the rows of each --group-column stand together"
    add("--part-rows", type=int, help=f"{parts} (default: all)")
    add("--holdout-from", help="--split time: hold out rows from this date on, e.g. 2013-01-31")
    add("--holdout-fraction", type=float, default=0.2, help="share of the rows held out (default: 0.2)")
    add("--random-state", type=int, default=0, help="seed of splits by chance (default: 0)")
    add("--numeric", nargs="*", default=[], help="numeric feature columns")
    add("--categorical", nargs="*", default=[], help="categorical feature columns")
    add("--cyclic", nargs="*", default=[], help="periodic numbers as name:period, e.g. hour:24")
    add(
        "--datetime",
        nargs="*",
        default=[],
        help="times as name or name:part+part, e.g. departure:weekday+hour",
    )
    add("--pairs", nargs="*", default=[], help="first:second, whose combinations are categories")
    computed = "numbers computed from a row, as function:column:column, e.g. ratio:price:area"
    add("--computed", nargs="*", default=[], help=computed)
    add(
        "--max-categories",
        type=int,
        default=250,
        help="commonest categories to keep of a column (default: 250)",
    )
    add("--known-afterwards", nargs="*", default=[], help="columns that no feature may be made of: leakage")
    add("--keep", nargs="*", default=[], help="columns to keep for slices, though they are no features")
    add("--training", type=step.output_path, required=True, help="output folder: training rows")
    add("--holdout", type=step.output_path, required=True, help="output folder: holdout rows")
    add("--features", type=step.output_path, required=True, help="output folder: features.json")
    return parser


def declared(args: argparse.Namespace) -> FeatureSpec:
    """Return the features that the arguments declare, unfitted.

    Raises
    ------
    StepError
        When a declaration cannot be read, none is given, or one leaks the outcome.
    """
    spec = FeatureSpec(
        numeric=tuple(args.numeric),
        categorical=tuple(args.categorical),
        cyclic=parse_cyclic(args.cyclic),
        datetime=parse_datetime(args.datetime),
        pairs=parse_pairs(args.pairs),
        computed=parse_computed(args.computed),
        max_categories=args.max_categories,
    )
    if not (spec.columns or args.lags or args.windows):
        kinds = "--numeric, --categorical, --cyclic, --datetime or --pairs"
        raise step.StepError(f"no feature is declared: give {kinds}")
    check_leakage(spec, args.target, args.known_afterwards)
    return spec


def check_leakage(spec: FeatureSpec, target: str, known_afterwards: Sequence[str]) -> None:
    """Raise a StepError for a feature that leaks the outcome."""
    for name in spec.columns:
        if name == target:
            raise step.StepError(f"column {name!r} is the target and cannot be a feature: remove it")
        if name == TARGET:
            raise step.StepError(
                f"column name {name!r} is reserved for the target: rename the column in the source"
            )
        if name in known_afterwards:
            message = f"column {name!r} is known only afterwards (--known-afterwards)"
            raise step.StepError(f"{message}: it cannot be a feature, remove it")


def in_holdout(table: pd.DataFrame, args: argparse.Namespace) -> pd.Series:
    """Return for each row whether it goes to the holdout.

    Raises
    ------
    StepError
        When the share is out of range.
    """
    if not 0 < args.holdout_fraction < 1:
        raise step.StepError(f"--holdout-fraction: {args.holdout_fraction} is not between 0 and 1")
    share, seed = args.holdout_fraction, args.random_state
    if args.split == "time":
        times = times_of(table, args, "--split time")
        return (
            times >= as_date(args.holdout_from, "--holdout-from") if args.holdout_from else late(times, share)
        )
    classes = table[TARGET] if args.task == "classification" else None
    if args.split == "group":
        return grouped(groups_of(table, args), classes, share, seed)
    if args.split == "stratified":
        if classes is None:
            raise step.StepError("--split stratified needs classes: use --split random for numbers")
        return stratified(classes, share, seed)
    return drawn(len(table), share, seed).set_axis(table.index)


def check_sides(counts: Mapping[str, int]) -> None:
    """Raise a StepError when one side of the split is empty."""
    for rows, side in (("training_rows", "training"), ("holdout_rows", "the holdout")):
        if not counts[rows]:
            advice = "check --holdout-from and --holdout-fraction, or give more rows"
            raise step.StepError(f"the split leaves no row for {side}: {advice}")


def times_of(table: pd.DataFrame, args: argparse.Namespace, option: str) -> pd.Series:
    """Return the times of `table`, which `option` needs."""
    if not args.time_column:
        raise step.StepError(f"{option} needs --time-column: name the column of times")
    tables.require_columns(table, [args.time_column], "--time-column")
    return as_times(table[args.time_column])


def groups_of(table: pd.DataFrame, args: argparse.Namespace) -> pd.Series:
    """Return the groups of `table`, which --split group needs."""
    if not args.group_column:
        raise step.StepError(
            "--split group needs --group-column: name the column whose values belong together"
        )
    tables.require_columns(table, args.group_column, "--group-column")
    return joined_categories(table[args.group_column])


def with_past(table: pd.DataFrame, args: argparse.Namespace) -> tuple[pd.DataFrame, list[str]]:
    """Return `table` with the earlier values of its target that were asked for, and their columns."""
    if not (args.lags or args.windows):
        return table, []
    if args.task != "regression" or min(args.lags, default=1) < 1:
        raise step.StepError("--lags: earlier values, 1 or more rows back, need --task regression")
    windows = parse_windows(args.lags, args.windows, args.horizon)
    longest = max(max(window.periods) for window in windows.values())
    groups = groups_of(table, args) if args.group_column else None
    series = in_order(table[TARGET], times_of(table, args, "--lags"), groups, longest, args.frequency)
    earlier = {f"{args.target} {name}": series.window(window) for name, window in windows.items()}
    if taken := [name for name in earlier if name in table]:
        raise step.StepError(f"--lags: column {taken[0]!r} is there already: rename it")
    return table.assign(**earlier), list(earlier)


def few_of_a_class(table: pd.DataFrame, held_out: pd.Series, classes: Sequence[str]) -> list[str]:
    """Return what is told of classes that one side of the split hardly has, before anything is trained."""
    told = []
    for side, rows in (("training rows", table[~held_out]), ("the holdout", table[held_out])):
        counts = rows[TARGET].value_counts()
        few = [
            f"{name!r} {counts.get(code, 0)}" for code, name in enumerate(classes) if counts.get(code, 0) < 5
        ]
        if few:
            told.append(f"fewer than 5 rows of a class in {side}: {step.listing(few)}")
    return told


class Part(NamedTuple):
    """Rows of both sides; the features with those of the past; classes; feature tables that were joined."""

    training: pd.DataFrame
    holdout: pd.DataFrame
    spec: FeatureSpec
    classes: list[str]
    joined: dict[str, Any]


def prepare_part(table: pd.DataFrame, args: argparse.Namespace, spec: FeatureSpec) -> Part:
    """Name the target, add what is looked up and what was earlier, split."""
    table, classes = with_target(
        table, args.target, args.task, threshold=args.threshold, positive=args.positive
    )
    joined: dict[str, Any] = {}
    if args.feature_tables:
        table, joined = feature_store.add_known(table, args.feature_tables, args.time_column, spec.columns)
    held_out = in_holdout(table, args)
    for line in few_of_a_class(table, held_out, classes):
        print(f"warning: {line}")
    table, earlier = with_past(table, args)
    spec = replace(spec, numeric=(*spec.numeric, *earlier))
    keys = feature_store.keys(joined) if joined else filter(None, [args.time_column])
    names = [*spec.columns, *keys, *args.keep]
    tables.require_columns(table, names, "features and --keep")
    table = table[[*dict.fromkeys(name for name in names if name != TARGET), TARGET]]
    return Part(table[~held_out], table[held_out], spec, classes, joined)


def check_parts(args: argparse.Namespace) -> None:
    """Raise a StepError where a part does not tell what is done with its rows."""
    is_time = args.split == "time" and args.holdout_from
    is_alone = args.task == "regression" and is_time and args.group_column
    if args.part_rows is not None and not is_alone:
        needed = "--task regression, --split time with --holdout-from, and --group-column"
        raise step.StepError(f"--part-rows needs {needed}: a part does not tell where others are split")


def counts_of(part: Part) -> dict[str, int]:
    """Return the number of rows on either side, and of those without a row in a feature table."""
    found = {"training_rows": len(part.training), "holdout_rows": len(part.holdout)}
    for one in part.joined.get("tables", []):
        sides = [side[one["columns"]].isna().all(axis="columns") for side in part[:2]]
        found[f"rows_without_{one['name']}"] = sum(int(without.sum()) for without in sides)
    return found


def write_parts(
    args: argparse.Namespace, spec: FeatureSpec, sides: Sequence[Path]
) -> tuple[Part, FeatureSpec, Counter[str]]:
    """Write the rows of both sides; return the last part, the features fitted on all of them, and counts."""
    counts: Counter[str] = Counter()
    categories: dict[str, Counter[str]] = {}
    for number, table in enumerate(read_parts(args.table, args.group_column or [], args.part_rows)):
        part = prepare_part(table, args, spec)
        counts.update(counts_of(part))
        found = part.spec.category_counts(part.training)
        for name, texts in found.items():
            categories.setdefault(name, Counter()).update(texts)
        file = f"part-{number:05d}.parquet" if args.part_rows else "table.parquet"
        for rows, folder in zip(part[:2], sides, strict=True):
            part.spec.with_categories(found).transform(rows)  # raises for values of another kind
            if len(rows):
                tables.write_table(rows, folder / file)
    return part, part.spec.with_categories(categories), counts


def main(argv: Sequence[str] | None = None) -> None:
    """Read, name the target, split, fit, write."""
    args = build_parser().parse_args(argv)

    spec = declared(args)
    check_parts(args)
    with ExitStack() as stack:
        folders = [step.new_folder(path) for path in (args.training, args.holdout, args.features)]
        *sides, folder = map(stack.enter_context, folders)
        part, fitted, counts = write_parts(args, spec, sides)
        check_sides(counts)
        facts = {"task": args.task, "target": args.target, "classes": part.classes}
        facts |= {"features": fitted.to_dict()}
        facts |= {"feature_tables": part.joined} if part.joined else {}
        facts |= {"horizon": args.horizon} if args.lags or args.windows else {}
        step.write_json(facts, folder / "features.json")
        step.log_metrics(folder, {**counts, "features": len(fitted.sources)})
    print(f"prepared {counts['training_rows']} training rows, {counts['holdout_rows']} holdout rows")


if __name__ == "__main__":
    step.run_script(main)
