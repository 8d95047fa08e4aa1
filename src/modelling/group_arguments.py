"""How the models of groups are trained, as arguments of a Core Script: declared once, checked once."""

from __future__ import annotations

import argparse
import math
import os
from typing import TYPE_CHECKING

from modelling.estimators import ESTIMATORS
from modelling.hyperparameters import chosen
from support import step

if TYPE_CHECKING:
    from modelling.features import FeatureSpec
    from modelling.group_training import Plan


def add_group_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare groups, intervals and processes."""
    add = parser.add_argument
    add("--group-columns", nargs="+", required=True, help="columns whose values together name a group")
    add("--time-column", help="time of a row, by which the rows of a group are sorted (default: as they are)")
    pooled = "learning algorithm of the model of all groups, for those without one of their own"
    add("--pooled-estimator", choices=list(ESTIMATORS), help=f"{pooled} (default: as --estimator)")
    add("--min-rows", type=int, default=60, help="fewest rows of a group with a model of its own (60)")
    calibration = "latest rows of a group by whose errors the width of its intervals is found; 0: none"
    add("--calibration", type=int, default=0, help=f"{calibration} (default: 0)")
    add("--coverage", type=float, default=0.8, help="share of rows that intervals are to cover (0.8)")
    add("--minimum", type=float, help="predictions and intervals do not go below, e.g. 0 for pieces sold")
    workers = "processes at a time; 1: this one, where a group that kills its process ends the step"
    add("--workers", type=int, help=f"{workers} (default: the number of cores)")


def plan_of(args: argparse.Namespace, spec: FeatureSpec) -> Plan:
    """Return how the models are trained on the features `spec`, the group among them.

    Raises
    ------
    StepError
        When an argument is out of range.
    """
    from modelling.group_fit import GroupTask
    from modelling.group_training import Plan, described, group_position, group_positions, pooled_positions

    _check(args)
    minimum = float("-inf") if args.minimum is None else args.minimum
    own, pooled = group_positions(spec, args.group_columns), pooled_positions(spec)
    if not own:
        raise step.StepError(
            "--group-columns: all features are made of them alone: declare others in prepare"
        )

    def task(estimator: str, positions: list[int]) -> GroupTask:
        features = described(spec, positions)
        limits = (args.min_rows, args.calibration, args.coverage, minimum)
        return GroupTask(estimator, chosen(args, estimator), features, *limits)

    position = group_position(spec, args.group_columns)
    everyone = task(args.pooled_estimator or args.estimator, pooled)
    raises = bool(getattr(args, "only", None))
    workers = 1 if raises else args.workers or os.cpu_count() or 1
    return Plan(task(args.estimator, own), position, own, pooled, everyone, workers, raises)


def _check(args: argparse.Namespace) -> None:
    minima = {"min_rows": 2, "calibration": 0, "workers": 1}
    for name, least in minima.items():
        value = getattr(args, name)
        if value is not None and value < least:
            raise step.out_of_range(name, value, f"{least} or more")
    if not 0 < args.coverage < 1:
        raise step.StepError(f"--coverage: {args.coverage} is not between 0 and 1")
    least = math.ceil(round(2 / (1 - args.coverage) - 1, 6))  # so that one lies outside on either side
    if 0 < args.calibration < least:
        raise step.StepError(
            f"--calibration: {args.calibration} rows cannot tell intervals that cover {args.coverage:g}: "
            f"give {least} or more"
        )
