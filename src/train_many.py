"""Train many: one model for each group of the training rows, and one for all, as one model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

from modelling import models
from modelling.features import FeatureSpec
from modelling.group_arguments import add_group_arguments, plan_of
from modelling.group_rows import GroupRows, read_group_rows
from modelling.group_training import Failures, Trained, train
from modelling.hyperparameters import add_arguments, check_ranges
from modelling.known_groups import INDEX, parse_share, read_known
from scoring.request_arguments import add_request_arguments
from scoring.request_facts import request_facts
from support import step
from tabular import tables
from tabular.columns import PAIR, group_codes


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Fit one estimator for each group, and one for all of them.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    add_group_arguments(parser)
    add_arguments(parser)
    add_request_arguments(parser)
    known = (
        "folder that an earlier execution wrote, or a folder of such: groups with equal rows are taken over"
    )
    add("--known", type=step.input_path, help=known)
    share = "fit only so many of the groups, e.g. 3/16 the third of 16 shares; --known joins them"
    add("--share", help=share)
    only = "fit one group alone, e.g. '12 & 101', here, and raise what speaks against it: for a debugger"
    add("--only", help=only)
    output = "output folder: model, model.json, index of the groups, errors"
    add("--model", type=step.output_path, required=True, help=output)
    return parser


def index_of(rows: GroupRows, trained: Trained) -> pd.DataFrame:
    """Return what is known of each group.

    Returns
    -------
    DataFrame of shape (groups, 6)
        group; rows; source: which model predicts it; low and high: how far its intervals reach; digest of all
        that its model depends on.
    """
    estimator = trained.estimator
    sources = np.where(estimator.models.present, "group", "pooled")
    found = {"group": rows.names, "rows": np.diff(rows.bounds), "source": sources}
    return pd.DataFrame({**found, "low": estimator.low, "high": estimator.high, "digest": trained.digests})


def share_of(table: pd.DataFrame, args: argparse.Namespace) -> pd.DataFrame:
    """Return the rows of the groups of --share or --only, without a pooled model: that needs all rows."""
    if not (args.share or args.only):
        return table
    args.pooled_estimator = "constant"
    tables.require_columns(table, args.group_columns, "--group-columns")
    codes, names = group_codes(table[args.group_columns])
    if args.only:
        chosen = codes == named(names, args.only)
    else:
        number, count = parse_share(args.share)
        chosen = codes % count == number - 1
    return table[chosen].reset_index(drop=True)


def named(names: Sequence[str], group: str) -> int:
    """Return the position of a group in `names`, which may also be written 12-101 instead of 12 & 101."""
    spelled = [position for position, name in enumerate(names) if group in (name, name.replace(PAIR, "-"))]
    if len(spelled) != 1:
        raise step.StepError(f"--only: there is no group {group!r}{step.nearest(group, names)}")
    return spelled[0]


def sound_rows(table: pd.DataFrame, rows: GroupRows, failures: Failures) -> pd.DataFrame:
    """Return the rows of groups that did not fail: what they hold is what requests may hold."""
    failed = np.isin(rows.group_of(np.arange(len(rows.order))), list(failures))
    return table if failed.all() else table.iloc[np.sort(rows.order[~failed])]


def errors_of(rows: GroupRows, failures: Failures) -> pd.DataFrame:
    """Return why groups have no model of their own: group, type, message and line, sorted by group."""
    records = [(rows.names[group], *failure) for group, failure in failures.items()]
    return pd.DataFrame(records, columns=["group", "type", "message", "line"], dtype=str)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, fit, write."""
    args = build_parser().parse_args(argv)
    check_ranges(args)

    table = share_of(tables.read_table(args.training), args)
    prepared = step.read_json(args.features / "features.json")
    if prepared["task"] != "regression":
        raise step.StepError("groups have models of numbers, not of classes: prepare with --task regression")
    spec = FeatureSpec.from_dict(prepared["features"])
    rows, spec = read_group_rows(table, spec, args.group_columns, args.time_column)
    plan = plan_of(args, spec)
    trained = train(rows, plan, read_known(args.known))
    failures = trained.failures
    facts = {**prepared, "features": spec.to_dict(), "rows": len(table), "group_columns": args.group_columns}
    facts |= {"estimator": args.estimator, "hyperparameters": dict(plan.task.hyperparameters)}
    facts |= request_facts(sound_rows(table, rows, failures), spec, prepared.get("feature_tables"), args)
    with step.new_folder(args.model) as folder:
        digest = models.save(folder, trained.estimator, facts)
        tables.write_table(index_of(rows, trained), folder / INDEX)
        tables.write_table(errors_of(rows, failures), folder / "errors.parquet")
        counts = {"rows": len(table), "groups": len(rows.names), "groups_failed": len(failures)}
        step.log_metrics(folder, counts)
    for group, failure in list(failures.items())[:5]:
        print(f"no model of its own: {rows.names[group]}: {failure.type}: {failure.message}")
    own = len(rows.names) - len(failures)
    print(f"trained {args.estimator} on {own} of {len(rows.names)} groups: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
