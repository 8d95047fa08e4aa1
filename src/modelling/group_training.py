"""Training one model for each group, and one for all: groups that fail are told apart, the others go on."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from modelling import batched_ridge, estimators
from modelling.batched_ridge import Layout
from modelling.estimators import MAX_CATEGORIES
from modelling.features import FeatureSpec
from modelling.fitted_groups import Fitted
from modelling.fitting import fit
from modelling.group_fit import DIED, GroupFailure, GroupTask, check, fit_group, predicted, residual_bounds
from modelling.group_rows import GroupRows, group_feature
from modelling.grouped_estimator import GroupedEstimator, GroupModels, LinearModels, PickledModels
from modelling.known_groups import KnownGroup, digests_of
from modelling.models import to_bytes
from support import forks, step

Array: TypeAlias = np.ndarray[Any, Any]
Known: TypeAlias = Mapping[str, KnownGroup]


@dataclass(frozen=True)
class Plan:
    """How the models of a table with groups are trained.

    Parameters
    ----------
    task : GroupTask
        How each group's model is.
    position : int
        Feature that holds the number of the group.
    columns, pooled_columns : list of int
        Features of the groups' models, and of the pooled one.
    pooled : GroupTask
        How the pooled model is.
    workers : int
        Processes at a time; 1: this one.
    raises : bool, default False
        Whether what speaks against a group is raised, to be looked at in a debugger, instead of recorded.
    """

    task: GroupTask
    position: int
    columns: list[int]
    pooled_columns: list[int]
    pooled: GroupTask
    workers: int
    raises: bool = False


class Trained(NamedTuple):
    """The model of all groups, and what it was made of."""

    estimator: GroupedEstimator
    fitted: Fitted


def group_positions(spec: FeatureSpec, columns: Sequence[str]) -> list[int]:
    """Return the features that may differ within a group: those not made of its columns alone."""
    made = enumerate(spec.sources.values())
    return [position for position, of in made if not set(of) <= set(columns)]


def pooled_positions(spec: FeatureSpec) -> list[int]:
    """Return the features of the pooled model: all but those with more categories than trees split."""
    counts = {name: len(categories) for name, categories in spec.categories.items()}
    return [position for position, name in enumerate(spec.sources) if counts.get(name, 0) <= MAX_CATEGORIES]


def described(spec: FeatureSpec, positions: Sequence[int]) -> estimators.Features:
    """Return the names of the features at `positions`, and how many categories they have."""
    names = list(spec.sources)
    counts = {name: len(categories) for name, categories in spec.categories.items()}
    chosen = [names[position] for position in positions]
    return estimators.Features(chosen, {name: counts[name] for name in chosen if name in counts})


def group_position(spec: FeatureSpec, columns: Sequence[str]) -> int:
    """Return the position of the feature that holds the number of the group."""
    return list(spec.sources).index(group_feature(columns))


def train(rows: GroupRows, plan: Plan) -> Trained:
    """Train the models of all groups, and the pooled one."""
    return with_pooled(fit_groups(rows, plan), rows, plan)


def fit_groups(rows: GroupRows, plan: Plan, known: Known | None = None) -> Fitted:
    """Train the models of all groups.

    Parameters
    ----------
    rows : GroupRows
    plan : Plan
    known : mapping of str to KnownGroup, optional
        Models of groups that need not be fitted again, by digest.
    """
    if plan.raises and rows.broken:
        raise step.StepError(next(iter(rows.broken.values())).message)
    if plan.task.estimator == "linear":
        models, reach, failures = _linear(rows, plan)
        digests = [""] * len(rows.names)
    else:
        digests = digests_of(rows, plan.columns, plan.task)
        models, reach, failures = _one_by_one(rows, plan, digests, known or {})
    return Fitted(rows.names, np.diff(rows.bounds), models, *reach, dict(sorted(failures.items())), digests)


def with_pooled(fitted: Fitted, rows: GroupRows, plan: Plan) -> Trained:
    """Return the models of groups beside the pooled one, which is trained on `rows`."""
    pooled, pooled_reach = _pooled(rows, plan)
    reach = (fitted.low, fitted.high, pooled_reach)
    routes = (plan.position, plan.columns, plan.pooled_columns)
    return Trained(GroupedEstimator(*routes, fitted.models, pooled, *reach, plan.task.minimum), fitted)


def _one_by_one(
    rows: GroupRows, plan: Plan, digests: Sequence[str], known: Known
) -> tuple[GroupModels, tuple[Array, Array], dict[int, GroupFailure]]:
    """Fit any estimator for each group that is not known, in `workers` processes."""
    left = [group for group, digest in enumerate(digests) if digest not in known]

    def work(number: int) -> bytes:
        return pickle.dumps(_outcome(rows, plan, left[number]))

    if left:
        plan.task.make()  # imports its library here: else each forked process would, for a second each
    results = forks.in_order(work, len(left), plan.workers)
    low, high = np.full(len(digests), np.nan), np.full(len(digests), np.nan)
    failures: dict[int, GroupFailure] = {}
    contents: list[bytes] = []
    for group, digest in enumerate(digests):
        outcome = known.get(digest) or _read(next(results))
        if isinstance(outcome, GroupFailure):
            failures[group] = outcome
            contents.append(b"")
        else:
            low[group], high[group] = outcome.low, outcome.high
            contents.append(outcome.content)
    return PickledModels.of(contents), (low, high), failures


def _outcome(rows: GroupRows, plan: Plan, group: int) -> KnownGroup | GroupFailure:
    try:
        if group in rows.broken:
            return rows.broken[group]
        features, target = rows.of(group)
        fitted = fit_group(plan.task, features[:, plan.columns], target)
    except Exception as error:  # whatever a group's rows do to an estimator is told of it
        if plan.raises:
            raise
        return GroupFailure.of(error)
    return KnownGroup(to_bytes(fitted.estimator), fitted.low, fitted.high)


def _read(result: bytes | None) -> KnownGroup | GroupFailure:
    """Return the outcome that a process of our own sent, if it lived to send one."""
    return DIED if result is None else pickle.loads(result)


def _linear(rows: GroupRows, plan: Plan) -> tuple[GroupModels, tuple[Array, Array], dict[int, GroupFailure]]:
    """Solve the ridge regressions of all groups with equally many rows at once."""
    task, layout, count = plan.task, Layout.of(plan.task.features), len(rows.names)
    failures = dict(rows.broken)
    for group in range(count):
        features, target = rows.of(group)
        try:
            if group not in failures:
                check(features[:, plan.columns], target, task.min_rows)
        except ValueError as error:
            if plan.raises:
                raise
            failures[group] = GroupFailure.of(error)
    weights = np.full((count, layout.width), np.nan)
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    sizes = np.diff(rows.bounds)
    healthy = np.array([group not in failures for group in range(count)])
    for size in np.unique(sizes[healthy]):
        for groups in _batches(np.flatnonzero(healthy & (sizes == size)), int(size), layout):
            place = rows.bounds[groups][:, None] + np.arange(size)
            features, target = rows.features[place][:, :, plan.columns], rows.target[place]
            weights[groups] = batched_ridge.solve(features, target, layout, task.hyperparameters["alpha"])
            if task.is_calibrated(int(size)):
                low[groups], high[groups] = _linear_bounds(features, target, layout, task)
    return LinearModels(weights, layout), (low, high), failures


def _batches(groups: Array, size: int, layout: Layout) -> list[Array]:
    at_once = max(1, batched_ridge.CELLS // (size * layout.width))
    return [groups[first : first + at_once] for first in range(0, len(groups), at_once)]


def _linear_bounds(features: Array, target: Array, layout: Layout, task: GroupTask) -> tuple[Array, Array]:
    """Return how far the intervals of groups with equally many rows reach."""
    cut = target.shape[1] - task.calibration
    earlier = batched_ridge.solve(features[:, :cut], target[:, :cut], layout, task.hyperparameters["alpha"])
    later = features[:, cut:].reshape(-1, features.shape[2])
    predictions = batched_ridge.predict(np.repeat(earlier, task.calibration, axis=0), later, layout)
    predictions = np.maximum(predictions, task.minimum).reshape(len(target), task.calibration)
    return residual_bounds(target[:, cut:] - predictions, task.coverage)


def _pooled(rows: GroupRows, plan: Plan) -> tuple[PickledModels, tuple[float, float]]:
    """Fit the pooled model on all rows that can be read; return it, and the reach of its intervals."""
    task = plan.pooled
    features = rows.features[:, plan.pooled_columns]
    sound = np.isfinite(rows.target) & ~np.isinf(features).any(axis=1)
    sound[[row for group in rows.broken for row in range(*rows.bounds[group : group + 2])]] = False
    if not sound.any():
        raise step.StepError("no group has rows without a missing target or infinite numbers: fix the table")
    left = np.repeat(rows.bounds[1:], np.diff(rows.bounds)) - np.arange(len(rows.target))
    early = sound & (left > task.calibration)
    bounds = (float("nan"), float("nan"))
    if task.calibration and early.any() and (sound & ~early).any():
        earlier, late = fit(task.make(), features[early], rows.target[early]), sound & ~early
        predictions = predicted(earlier, features[late], task.minimum)
        relative = (rows.target[late] - predictions) / np.maximum(predictions, 1.0)
        low, high = residual_bounds(relative, task.coverage)
        bounds = float(low), float(high)
    content = to_bytes(fit(task.make(), features[sound], rows.target[sound]))
    return PickledModels.of([content]), bounds
