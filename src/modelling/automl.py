"""A search for estimator and hyperparameters by FLAML that gives the same result twice.

FLAML weighs trials by the time that they took, which is never the same. Here it weighs them by a cost that
follows from their hyperparameters, and its budget is a number of trials (Wu et al., 2021, on the search).
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from support import step

Loss = Callable[[str, Mapping[str, Any]], float]
RANGES: dict[str, tuple[float, float]] = {
    "max_iter": (16, 512),
    "max_leaf_nodes": (4, 128),
    "min_samples_leaf": (2, 128),
    "learning_rate": (0.01, 0.5),
    "max_features": (0.3, 1.0),
    "l2_regularization": (0.001, 100.0),
    "alpha": (0.001, 1000.0),
}
WHOLE = ("max_iter", "max_leaf_nodes", "min_samples_leaf")
CHEAP = {"max_iter": 32, "max_leaf_nodes": 8}
START = {
    **{"max_iter": 64, "max_leaf_nodes": 16, "min_samples_leaf": 20, "learning_rate": 0.1},
    **{"max_features": 0.8, "l2_regularization": 1.0, "alpha": 1.0},
}


@dataclass(frozen=True)
class Trial:
    """One estimator with its hyperparameters, and its loss on rows that it was not fitted on."""

    estimator: str
    hyperparameters: dict[str, Any]
    loss: float


def search(
    estimators: Sequence[str], loss: Loss, iterations: int, random_state: int, seconds: float
) -> list[Trial]:
    """Try so many configurations.

    Parameters
    ----------
    estimators : sequence of str
        Names to choose among; each is tried once before anything is refined.
    loss : callable
        Of an estimator's name and hyperparameters: fits it, and measures it on rows held out.
    iterations : int
        Number of trials, 1 or more.
    random_state : int
        Seed.
    seconds : float
        Most time, looked at after each trial; above 0.

    Returns
    -------
    list of Trial
        In the order in which they were tried.

    Raises
    ------
    StepError
        When the time is over: a result that depends on time is none.
    """
    flaml = _flaml()
    tune = flaml.tune
    trials: list[Trial] = []
    until = time.monotonic() + seconds

    def measure(configuration: dict[str, Any]) -> dict[str, float]:
        values = dict(configuration)
        name = str(values.pop("estimator"))
        values = {key: int(value) if key in WHOLE else float(value) for key, value in values.items()}
        trials.append(Trial(name, values, loss(name, values)))
        if time.monotonic() > until and len(trials) < iterations:
            raise step.StepError(
                f"--seconds: {seconds:g} s are over after {len(trials)} of {iterations} trials: "
                "lower --iterations, or allow more time"
            )
        return {"loss": trials[-1].loss, "cost": _cost(name, values)}

    draw = {name: tune.lograndint if name in WHOLE else tune.loguniform for name in RANGES}
    space: dict[str, Any] = {"estimator": tune.choice(list(estimators))}
    space |= {name: draw[name](*bounds) for name, bounds in RANGES.items()}
    algorithm = flaml.CFO(
        metric="loss",
        mode="min",
        space=space,
        low_cost_partial_config=CHEAP,
        points_to_evaluate=[{"estimator": name, **START} for name in estimators],
        num_samples=iterations,
        seed=random_state,
        cost_attr="cost",
    )
    tune.run(measure, search_alg=algorithm, num_samples=iterations, verbose=0)
    return trials


def _flaml() -> Any:
    """Return FLAML, which takes samplers from Ray where that is installed.

    Importing Ray takes seconds and warns in notebooks; what is found is the same.
    """
    hides = "ray" not in sys.modules
    try:
        if hides:
            sys.modules["ray"] = None  # type: ignore[assignment]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a progress bar, which is not shown, lacks a widget
            return import_module("flaml")  # its types name what they do not export
    finally:
        if hides:
            del sys.modules["ray"]


def _cost(estimator: str, values: Mapping[str, Any]) -> float:
    """Return what a trial costs, in leaves; of an estimator without trees as much as a small one of them."""
    return float(values["max_iter"] * values["max_leaf_nodes"]) if "linear" not in estimator else 100.0


def best(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the smallest loss, the first of equal ones."""
    return min(trials, key=lambda trial: trial.loss)
