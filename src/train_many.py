"""Train many: one model for each group of the training rows, and one for all, as one model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from modelling import models
from modelling.features import FeatureSpec
from modelling.fitted_groups import Failures, Fitted, joined
from modelling.group_arguments import add_group_arguments, plan_of
from modelling.group_rows import GroupRows, read_group_rows, with_group
from modelling.group_training import fit_groups, with_pooled
from modelling.hyperparameters import add_arguments, check_ranges
from modelling.known_groups import INDEX, parse_share, read_known
from scoring.request_arguments import add_request_arguments
from scoring.request_facts import request_facts
from scoring.row_schema import telling_rows
from support import step
from tabular import batch_parts, tables
from tabular.columns import PAIR, group_codes
from tabular.group_parts import read_parts


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Fit one estimator for each group, and one for all of them.")
    add = parser.add_argument
    add("--training", type=step.input_path, required=True, help="training rows that prepare wrote")
    add("--features", type=step.input_path, required=True, help="features that prepare fitted")
    add_group_arguments(parser)
    add_arguments(parser)
    add_request_arguments(parser)
    known = "folder that an earlier execution wrote, or one above such: groups with equal rows are taken over"
    add("--known", type=step.input_path, help=known)
    share = "fit only so many of the groups, e.g. 3/16 the third of 16 shares; --known joins them"
    add("--share", help=share)
    only = "fit one group alone, e.g. '12 & 101', here, and raise what speaks against it: for a debugger"
    add("--only", help=only)
    parts = "rows in memory at once, of Parquet in which the rows of each group stand together"
    add("--part-rows", type=int, help=f"{parts} (default: all)")
    most = "rows that the pooled model is fitted on, about so many, of whole groups (default: 1000000)"
    add("--pooled-rows", type=int, default=1_000_000, help=most)
    output = "output folder: model, model.json, index of the groups, errors"
    add("--model", type=step.output_path, required=True, help=output)
    parser.set_defaults(same_bytes=("workers", "known"))
    return parser


def index_of(fitted: Fitted) -> pd.DataFrame:
    """Return what is known of each group.

    Returns
    -------
    DataFrame of shape (groups, 6)
        group; rows; source: which model predicts it; low and high: how far its intervals reach; digest of all
        that its model depends on.
    """
    sources = np.where(fitted.models.present, "group", "pooled")
    found = {"group": fitted.names, "rows": fitted.rows, "source": sources}
    return pd.DataFrame({**found, "low": fitted.low, "high": fitted.high, "digest": fitted.digests})


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
    return table.iloc[np.sort(rows.order[~failed])]


def errors_of(fitted: Fitted) -> pd.DataFrame:
    """Return why groups have no model of their own: group, type, message and line, sorted by group."""
    records = [(fitted.names[group], *failure) for group, failure in fitted.failures.items()]
    return pd.DataFrame(records, columns=["group", "type", "message", "line"], dtype=str)


def pooled_sample(table: pd.DataFrame, rows: GroupRows, share: float) -> pd.DataFrame:
    """Return the rows of about a `share` of the groups, whichever part of a table they are in."""
    chosen = [crc32(name.encode()) < share * 2**32 for name in rows.names]
    taken = np.array(chosen)[rows.group_of(np.arange(len(rows.order)))]
    return table.iloc[np.sort(rows.order[taken])]


class Read(NamedTuple):
    """What is kept of the rows of all parts."""

    fitted: Fitted
    rows: int
    pooled: pd.DataFrame  # those that the pooled model is fitted on
    telling: pd.DataFrame  # those that tell what requests may hold


def fit_parts(args: argparse.Namespace, spec: FeatureSpec) -> Read:
    """Fit the models of groups, part by part."""
    known, total = read_known(args.known), batch_parts.row_count(args.training)
    fitted: list[Fitted] = []
    pooled: list[pd.DataFrame] = []
    telling: dict[bool, list[pd.DataFrame]] = {True: [], False: []}  # by whether a group of the part is sound
    count = 0
    for part in read_parts(args.training, args.group_columns, None if args.only else args.part_rows):
        table = share_of(part, args)
        rows, own = read_group_rows(table, spec, args.group_columns, args.time_column)
        fitted.append(fit_groups(rows, plan_of(args, own), known))
        pooled.append(pooled_sample(table, rows, args.pooled_rows / (total or len(table))))
        sound = sound_rows(table, rows, fitted[-1].failures)
        telling[not sound.empty].append(telling_rows(table if sound.empty else sound, spec))
        count += len(table)
    if all(sample.empty for sample in pooled):
        raise step.StepError(f"--pooled-rows: {args.pooled_rows} are fewer than those of a group: give more")
    samples = [sample for sample in pooled if not sample.empty]
    told = telling[True] or telling[False]
    return Read(joined(fitted), count, *(pd.concat(each, ignore_index=True) for each in (samples, told)))


def run(files: Sequence[str]) -> list[str]:
    """Fit the shares that stand in `files`, one each, e.g. 3/16: the mini-batch of a ParallelRunStep.

    The arguments are those of the process, among others that are none of this script's. The model of each
    share goes into a folder of its own in --model, for --known to join them.
    """
    shares = [Path(file).read_text(encoding="utf-8").strip() for file in files]
    for share in shares:
        args, _ = build_parser().parse_known_args()
        args.share, args.model = share, args.model / share.replace("/", "-of-")
        fit_and_write(args)
    return shares


def main(argv: Sequence[str] | None = None) -> None:
    """Read, fit, write."""
    fit_and_write(build_parser().parse_args(argv))


def fit_and_write(args: argparse.Namespace) -> None:
    """Fit the groups that are asked for, and write their models as one."""
    check_ranges(args)

    prepared = step.read_json(args.features / "features.json")
    if prepared["task"] != "regression":
        raise step.StepError("groups have models of numbers, not of classes: prepare with --task regression")
    spec = FeatureSpec.from_dict(prepared["features"])
    fitted, count, pooled, telling = fit_parts(args, spec)
    spec = with_group(spec, args.group_columns, fitted.names)
    plan = plan_of(args, spec)
    rows, _ = read_group_rows(pooled, spec, args.group_columns, args.time_column, fitted.names)
    estimator = with_pooled(fitted, rows, plan).estimator
    facts = {**prepared, "features": spec.to_dict(), "rows": count, "group_columns": args.group_columns}
    facts |= {"estimator": args.estimator, "hyperparameters": dict(plan.task.hyperparameters)}
    facts |= request_facts(telling, spec, prepared.get("feature_tables"), args)
    with step.new_folder(args.model) as folder:
        digest = models.save(folder, estimator, facts)
        tables.write_table(index_of(fitted), folder / INDEX)
        tables.write_table(errors_of(fitted), folder / "errors.parquet")
        counts = {"rows": count, "groups": len(fitted.names), "groups_failed": len(fitted.failures)}
        step.log_metrics(folder, counts)
    for group, failure in list(fitted.failures.items())[:5]:
        print(f"no model of its own: {fitted.names[group]}: {failure.type}: {failure.message}")
    own = len(fitted.names) - len(fitted.failures)
    print(f"trained {args.estimator} on {own} of {len(fitted.names)} groups: {digest[:12]}")


if __name__ == "__main__":
    step.run_script(main)
