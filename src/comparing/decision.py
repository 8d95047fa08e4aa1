"""The decision between champion and challenger: the sections of its evidence, and what speaks against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from comparing import reasons
from comparing.calibration import calibration, predicted_and_actual
from comparing.losses import of_predictions
from comparing.paired import Array, Estimate, Quantity, estimates
from comparing.reasons import NON_INFERIORITY, SUPERIORITY
from support import step
from tabular.columns import as_categories

POWER = 0.8
LEAST_UNITS = 20  # with fewer that were drawn independently, no interval is to be trusted
MOST_SLICES = 100  # each makes the intervals of all others wider
Section: TypeAlias = dict[str, Any]
Judged: TypeAlias = tuple[Section, list[str]]  # sections by name, and what speaks against the challenger


@dataclass(frozen=True)
class Rules:
    """What a challenger must show."""

    loss: str  # "brier", "error", "absolute" or "squared": see `losses.of_predictions`
    # "superiority": the challenger is certainly better, and by `margin` or more as far as can be told;
    # "non-inferiority": it is certainly not worse by `margin` or more
    rule: str
    margin: float  # 0 or more, in the unit of the loss: a difference that does not matter
    slice_margin: float  # the same for a slice
    # probability, between 0 and 1, that any slice, or the cost, vetoes an equally good challenger
    veto_error_rate: float
    slice_rows: int  # rows below which a slice is not judged
    calibration_limit: float | None  # largest calibration error
    # cost of a row that is wrongly predicted as positive; for regression of each unit that it is too high
    cost_false_alarm: float | None
    cost_miss: float | None  # of one wrongly predicted as negative; of each unit that it is too low
    cost_margin: float  # 0 or more, in the unit of the costs: a difference that does not matter
    resamples: int  # of the bootstrap
    random_state: int


class Rows(NamedTuple):
    """Equal rows with the predictions of both models."""

    classes: Sequence[str]  # empty for regression
    actual: Array  # of shape (rows,): numbers, or positions of classes
    units: Array  # int, of shape (rows,): from `paired.unit_codes`
    slices: pd.DataFrame  # of shape (rows, columns): columns whose categories are slices
    challenger: Array  # predictions, of shape (rows,) or (rows, classes)
    champion: Array | None  # None for a champion that does not predict


def compare(rows: Rows, rules: Rules, error_rate: float) -> Judged:
    """Return the sections difference, power, slices and cost; `error_rate` is that of a wrong promotion."""
    models: dict[str, Any] = {"challenger": rows.challenger, "champion": rows.champion}
    losses = {
        name: of_predictions(rows.classes, rows.actual, predicted, rules.loss)
        for name, predicted in models.items()
    }
    costs = {name: costs_of(rows, predicted, rules) for name, predicted in models.items()}
    everywhere = np.ones(len(rows.actual), dtype=bool)
    difference = losses["challenger"] - losses["champion"]
    parts = slices_of(rows, rules.slice_rows)
    vetoes = [Quantity(difference, chosen) for _, _, chosen in parts]
    has_costs = rules.cost_miss is not None
    vetoes += [Quantity(costs["challenger"] - costs["champion"], everywhere)] if has_costs else []
    rates = [error_rate, *[rules.veto_error_rate / max(len(vetoes), 1)] * len(vetoes)]
    quantities = [Quantity(difference, everywhere), *vetoes]
    whole, *others = estimates(quantities, rows.units, rates, rules.resamples, rules.random_state)
    sections: Section = {
        "difference": _section(whole, rules.margin, losses),
        "power": power(whole, rules, error_rate),
        "slices": [
            {"column": column, "category": category, **_section(estimate, rules.slice_margin)}
            for (column, category, _), estimate in zip(parts, others, strict=False)
        ],
        "cost": _section(others[-1], rules.cost_margin, costs) if has_costs else None,
    }
    return sections, _problems(sections, rules)


def _section(estimate: Estimate, margin: float, of_models: dict[str, Array] | None = None) -> Section:
    ends = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "rows": estimate.rows}
    means = {name: float(np.mean(values)) for name, values in (of_models or {}).items()}
    return {**ends, **means, "margin": margin, "passed": estimate.low <= margin}


def _problems(sections: Section, rules: Rules) -> list[str]:
    difference, cost = sections["difference"], sections["cost"]
    problems = reasons.against_difference(difference, rules.loss, rules.rule)
    difference["passed"] = not problems
    worse = rules.margin if rules.rule == NON_INFERIORITY else 0.0
    if problems and difference["low"] <= worse:  # undecided: more rows may tell
        problems += reasons.against_power(sections["power"])
    problems += reasons.against_slices(sections["slices"])
    if cost and not cost["passed"]:
        problems.append(f"its errors certainly cost more by row: {reasons.described(cost)}")
    return problems


def slices_of(rows: Rows, least: int) -> list[tuple[str, str, Array]]:
    """Return column, category and rows of each slice that has enough rows and units, ordered by its name.

    Raises
    ------
    StepError
        When they are more than can be judged together.
    """
    found = []
    for column in rows.slices:
        texts = as_categories(rows.slices[column]).fillna("missing").to_numpy()
        for category in sorted(set(texts)):
            chosen = np.asarray(texts == category)
            if chosen.sum() >= least and len(np.unique(rows.units[chosen])) >= LEAST_UNITS:
                found.append((str(column), str(category), chosen))
    if len(found) > MOST_SLICES:
        raise step.StepError(
            f"--slices: {len(found)} slices are too many to tell which got worse, at most {MOST_SLICES}: "
            "name columns with fewer categories, or raise --slice-rows"
        )
    return found


def costs_of(rows: Rows, predicted: Array, rules: Rules) -> Array:
    """Return what each row's error costs, of shape (rows,); 0 where no cost is stated.

    Two classes: positive is predicted where that costs less, from the probability false alarm / (false alarm
    + miss) on (Elkan, 2001). More classes: a wrong one costs `cost_miss`.
    """
    alarm, miss = rules.cost_false_alarm or 0.0, rules.cost_miss or 0.0
    if not rows.classes:
        off = predicted - rows.actual
        return np.asarray(np.where(off > 0, alarm * off, -miss * off))
    if len(rows.classes) > 2:
        return np.asarray(miss * (predicted.argmax(axis=1) != rows.actual))
    positive = predicted[:, 1] * (alarm + miss) >= alarm
    return np.asarray(np.where(positive, alarm * (rows.actual == 0), miss * (rows.actual == 1)))


def power(whole: Estimate, rules: Rules, error_rate: float) -> Section | None:
    """Return how probably a challenger that is better by twice the margin is accepted, and the rows for 80 %.

    Its difference is taken as normal, with the standard error found. None where the margin is 0.
    """
    if not rules.margin or not whole.error:
        return None
    normal = NormalDist()
    noise = normal.inv_cdf(1 - error_rate)
    distance = (3 if rules.rule == NON_INFERIORITY else 2) * rules.margin  # from what is tested
    spare = distance - noise * whole.error
    if rules.rule == SUPERIORITY:
        spare = min(spare, rules.margin)
    needed = (noise + normal.inv_cdf(POWER)) * whole.error / distance
    return {
        "difference": -2 * rules.margin,
        "power": normal.cdf(spare / whole.error),
        "rows": whole.rows,
        "rows_needed": int(np.ceil(whole.rows * needed**2)),
    }


def judge_calibration(rows: Rows, rules: Rules) -> Judged:
    """Return the section calibration: that of both models; the challenger's must not be beyond the limit."""
    section: Section = {"limit": rules.calibration_limit, "passed": True}
    for name, predicted in (("challenger", rows.challenger), ("champion", rows.champion)):
        section[name] = None
        if predicted is not None:
            pair = predicted_and_actual(rows.classes, predicted, rows.actual)
            section[name] = calibration(*pair, rows.units, rules.veto_error_rate)
    certain = section["challenger"]["certain"]
    if rules.calibration_limit is None or certain <= rules.calibration_limit:
        return {"calibration": section}, []
    problem = f"its calibration error is certainly {certain:.4g} or more, beyond {rules.calibration_limit:g}"
    return {"calibration": {**section, "passed": False}}, [problem]
