"""Decisions: how often they are wrong, in simulated pairs of models, and what each section says.

``WORKBENCH_PAIRS=1000`` asks for more pairs; ``-s`` shows the rates that were found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from comparing import decision, looks, paired, reasons
from comparing.decision import Rows, Rules
from comparing.losses import of_predictions
from comparing.paired import Array, Quantity
from tests.src.running import error_of

PAIRS = int(os.environ.get("WORKBENCH_PAIRS", "30"))
RATE, LOOKS = 0.05, 30
RULES = Rules("brier", "superiority", 0.0, 0.0, RATE, 100, None, None, None, 0.0, 1_000, 0)
UNITS, SLICES = 100, 12


def most_wrong() -> int:
    """Return how many pairs may be wrong at the error rate, but for 3 % of all experiments: 63 of 1,000."""
    chance, count = (1 - RATE) ** PAIRS, 0
    share = chance
    while share < 0.97:
        chance *= (PAIRS - count) / (count + 1) * RATE / (1 - RATE)
        count += 1
        share += chance
    return count


MOST = most_wrong()


def told(what: str, count: int) -> int:
    print(f"\n{what}: {count} of {PAIRS}")
    return count


def outcomes(random: np.random.Generator, rows: int) -> tuple[Array, Array, Array]:
    """Return units, such as days, that differ from one another, the truth as a logit, and labels."""
    units = np.arange(rows) % UNITS
    truth = random.normal(-1, 1, rows) + random.normal(0, 0.7, UNITS)[units]
    return units, truth, (random.random(rows) < 1 / (1 + np.exp(-truth))).astype("float64")


def predicted(random: np.random.Generator, truth: Array, units: Array, noise: float) -> Array:
    """Return probabilities of both classes from a model that errs by row and, alike for its rows, by unit."""
    logit = truth + random.normal(0, noise, len(truth)) + random.normal(0, noise / 2, UNITS)[units]
    positive = 1 / (1 + np.exp(-logit))
    return np.stack([1 - positive, positive], axis=1)


def pairs(rows: int, champion: float, challenger: float) -> Iterator[Rows]:
    """Yield simulated pairs; the one with less noise is better."""
    for seed in range(PAIRS):
        random = np.random.default_rng(seed)
        units, truth, actual = outcomes(random, rows)
        both = [predicted(random, truth, units, noise) for noise in (challenger, champion)]
        slices = pd.DataFrame({"slice": random.integers(SLICES, size=rows)})
        yield Rows(["no", "yes"], actual, units, slices, both[0], both[1])


def accepted(rows: Rows, rules: Rules, rate: float = RATE) -> bool:
    return decision.compare(rows, rules, rate)[0]["difference"]["passed"] is True


def test_few_challengers_that_are_no_better_are_promoted() -> None:
    count = sum(accepted(rows, RULES) for rows in pairs(2_000, 0.6, 0.6))
    assert told("false promotions at no difference", count) <= MOST


def test_few_challengers_that_are_worse_by_the_margin_are_promoted() -> None:
    """The rule of non-inferiority, where it errs most often: at its margin."""
    margin = true_difference(0.6, 0.8)
    rules = replace(RULES, rule="non-inferiority", margin=margin)
    count = sum(accepted(rows, rules) for rows in pairs(2_000, 0.6, 0.8))
    assert told(f"false promotions at the margin of {margin:.4f}", count) <= MOST


def test_few_holdouts_let_any_of_thirty_challengers_pass() -> None:
    count = 0
    rates = [looks.error_rate(number, LOOKS, RATE) for number in range(1, LOOKS + 1)]
    for seed in range(PAIRS):
        random = np.random.default_rng(seed)
        units, truth, actual = outcomes(random, 2_000)
        everywhere = np.ones(len(actual), dtype=bool)
        champion, *challengers = (
            of_predictions(["no", "yes"], actual, predicted(random, truth, units, 0.6), "brier")
            for _ in range(LOOKS + 1)
        )
        quantities = [Quantity(loss - champion, everywhere) for loss in challengers]
        found = paired.estimates(quantities, units, rates, 1, 0)
        count += any(
            not reasons.against_difference({**estimate._asdict(), "margin": 0.0}, "brier", "superiority")
            for estimate in found
        )
    assert told(f"holdouts with a false promotion in {LOOKS} looks", count) <= MOST


@pytest.mark.parametrize("rule", ["superiority", "non-inferiority"])
def test_a_challenger_better_by_twice_the_margin_is_promoted(rule: str) -> None:
    margin = -true_difference(0.8, 0.55) / 2
    rules = replace(RULES, rule=rule, margin=margin)
    count = sum(accepted(rows, rules) for rows in pairs(2_000, 0.8, 0.55))
    assert told(f"{rule}: promotions at twice the margin of {margin:.4f}", count) >= 0.8 * PAIRS


def test_few_equally_good_challengers_are_vetoed_by_any_slice() -> None:
    count = 0
    for rows in pairs(3_000, 0.6, 0.6):
        slices = decision.compare(rows, RULES, RATE)[0]["slices"]
        assert len(slices) == SLICES
        count += any(not entry["passed"] for entry in slices)
    assert told(f"false vetoes by any of {SLICES} slices", count) <= MOST


def true_difference(champion: float, challenger: float) -> float:
    """Return the mean difference of the losses over very many rows."""
    random = np.random.default_rng(7)
    _, truth, actual = outcomes(random, 400_000)
    both = []
    for noise in (challenger, champion):
        logit = truth + random.normal(0, noise * np.sqrt(1.25), len(truth))
        both.append(1 / (1 + np.exp(-logit)))
    return float(np.mean((both[0] - actual) ** 2 - (both[1] - actual) ** 2))


@pytest.fixture(scope="module")
def rows() -> Rows:
    """A challenger that is better everywhere but in one slice."""
    random = np.random.default_rng(1)
    units, truth, actual = outcomes(random, 4_000)
    number = np.arange(4_000)
    slices = pd.DataFrame({"slice": number // 7 % 5, "rare": np.where(number < 50, "yes", "no")})
    champion, challenger = (predicted(random, truth, units, noise) for noise in (1.5, 0.2))
    spoilt = predicted(random, truth, units, 4.0)
    challenger = np.where((slices["slice"] == 3).to_numpy()[:, None], spoilt, challenger)
    return Rows(["no", "yes"], actual, units, slices, challenger, champion)


def test_a_slice_that_got_worse_vetoes(rows: Rows) -> None:
    sections, problems = decision.compare(rows, RULES, RATE)
    found = {(entry["column"], entry["category"]): entry["passed"] for entry in sections["slices"]}
    assert [category for (_, category), passed in found.items() if not passed] == ["3"]
    assert [*found] == [*(("slice", str(number)) for number in range(5)), ("rare", "no")]
    (problem,) = problems
    assert problem.startswith("it is certainly worse for slice 3: +0.")
    assert decision.compare(rows, replace(RULES, slice_margin=0.5), RATE)[1] == []


def test_costs_are_compared_and_veto(rows: Rows) -> None:
    rules = replace(RULES, cost_false_alarm=1.0, cost_miss=4.0, slice_margin=1.0)
    sections, problems = decision.compare(rows, rules, RATE)
    assert problems == []
    assert sections["cost"]["challenger"] < sections["cost"]["champion"]
    swapped = rows._replace(challenger=np.asarray(rows.champion), champion=rows.challenger)
    first, second = decision.compare(swapped, rules, RATE)[1]
    assert first.startswith("it is certainly worse than the champion: its mean brier loss differs by +0.")
    assert second.startswith("its errors certainly cost more by row: +0.")


def test_more_slices_than_can_be_judged_are_refused(rows: Rows) -> None:
    many = rows._replace(slices=pd.DataFrame({"slice": np.arange(4_000) // 20 % 101}))
    assert error_of(decision.slices_of, many, 1) == (
        "--slices: 101 slices are too many to tell which got worse, at most 100: name columns with fewer "
        "categories, or raise --slice-rows"
    )


def test_costs_of_each_task() -> None:
    rules = replace(RULES, cost_false_alarm=1.0, cost_miss=3.0)
    nothing = pd.DataFrame(index=range(3))
    codes = np.zeros(3, dtype="int64")
    numbers = Rows([], np.array([1.0, 1.0, 1.0]), codes, nothing, np.array([1.0, 3.0, 0.0]), codes)
    assert decision.costs_of(numbers, numbers.challenger, rules).tolist() == [0.0, 2.0, 3.0]
    positive = np.array([0.2, 0.3, 0.2])
    two = Rows(
        ["a", "b"], np.array([1.0, 0.0, 0.0]), codes, nothing, np.stack([1 - positive, positive], 1), codes
    )
    assert decision.costs_of(two, two.challenger, rules).tolist() == [3.0, 1.0, 0.0]
    three = two._replace(classes=["a", "b", "c"], challenger=np.eye(3))
    assert decision.costs_of(three, three.challenger, rules).tolist() == [3.0, 3.0, 3.0]


def test_a_small_holdout_says_how_many_rows_would_tell() -> None:
    rows = next(pairs(400, 0.6, 0.6))
    sections, problems = decision.compare(rows, replace(RULES, margin=0.001), RATE)
    assert sections["power"]["power"] < 0.8
    needed = sections["power"]["rows_needed"]
    assert needed > 400
    assert problems[0].startswith("it is not certainly better than the champion: ")
    assert problems[1] == f"about {needed:,} rows would tell a difference of -0.002"


def test_losses_fit_the_task() -> None:
    two, actual = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0.0, 0.0])
    assert of_predictions(["a", "b"], actual, two, "brier") == pytest.approx([0.09, 0.64])
    assert of_predictions(["a", "b"], actual, two, "error").tolist() == [0.0, 1.0]
    assert of_predictions([], actual, np.array([-2.0, 3.0]), "absolute").tolist() == [2.0, 3.0]
    assert of_predictions([], actual, np.array([-2.0, 3.0]), "squared").tolist() == [4.0, 9.0]
    assert error_of(of_predictions, [], actual, actual, "brier") == (
        "--loss: brier does not fit a model that predicts numbers: use absolute or squared"
    )
