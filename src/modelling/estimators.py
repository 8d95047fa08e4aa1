"""Estimators: a name and hyperparameters become an unfitted scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support import step

LARGEST_CATEGORICAL = 255


@dataclass(frozen=True)
class Features:
    """Names of the features, and which of them are codes of levels (with how many levels)."""

    names: list[str]
    level_counts: Mapping[str, int]

    @property
    def codes(self) -> list[int]:
        """Positions of the features that hold codes of levels."""
        return [place for place, name in enumerate(self.names) if name in self.level_counts]

    @property
    def numbers(self) -> list[int]:
        """Positions of the other features."""
        return [place for place, name in enumerate(self.names) if name not in self.level_counts]


def make(name: str, task: str, features: Features, hyperparameters: Mapping[str, Any]) -> Any:
    """Return an unfitted estimator.

    Parameters
    ----------
    name : str
        A key of `ESTIMATORS`.
    task : {"classification", "regression"}
        What is predicted.
    features : Features
        The columns that it will be fitted on.
    hyperparameters : mapping of str to value
        Those that `ESTIMATORS` lists for it; others are ignored.

    Returns
    -------
    estimator
        With scikit-learn's interface; accepts missing values.
    """
    build, used = ESTIMATORS[name]
    return build(task, features, {key: hyperparameters[key] for key in used})


def gradient_boosting(task: str, features: Features, values: Mapping[str, Any]) -> Any:
    """Return histogram gradient boosting; codes of levels are split as sets."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    for feature, count in features.level_counts.items():
        if count > LARGEST_CATEGORICAL:
            most = f"gradient-boosting takes at most {LARGEST_CATEGORICAL}: lower --max-levels of prepare"
            raise step.StepError(f"feature {feature!r} has {count} levels; {most}")
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    settings = dict(values)
    directions = _directions(features, settings.pop("increasing"), settings.pop("decreasing"))
    # early stopping would hold out random rows, which says nothing about later ones
    return kind(
        categorical_features=features.codes or None,
        monotonic_cst=directions if any(directions) else None,
        early_stopping=False,
        **settings,
    )


def _directions(features: Features, increasing: Sequence[str], decreasing: Sequence[str]) -> list[int]:
    """Return for each feature 1 or -1 where the prediction may only rise or only fall with it, else 0."""
    numbers = [features.names[place] for place in features.numbers]
    for option, names in (("--increasing", increasing), ("--decreasing", decreasing)):
        for name in names:
            if name not in numbers:
                near = step.nearest(name, numbers)
                raise step.StepError(f"{option}: there is no feature {name!r} that is a number{near}")
    for name in increasing:
        if name in decreasing:
            raise step.StepError(f"--increasing and --decreasing: {name!r} cannot be both")
    return [(name in increasing) - (name in decreasing) for name in features.names]


def random_forest(task: str, _: Features, values: Mapping[str, Any]) -> Any:
    """Return a random forest; codes of levels are taken as numbers."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if task == "classification" else RandomForestRegressor
    settings = dict(values)
    settings["n_estimators"], settings["max_leaf_nodes"] = settings.pop("max_iter"), None
    return kind(n_jobs=-1, **settings)


def linear(task: str, features: Features, values: Mapping[str, Any]) -> Any:
    """Return ridge or logistic regression on standardised numbers and one column a level."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    levels = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("numbers", numbers, features.numbers), ("levels", levels, features.codes)])
    alpha = values["alpha"]
    if task == "regression":
        return make_pipeline(columns, Ridge(alpha=alpha))
    return make_pipeline(columns, LogisticRegression(C=1 / alpha, max_iter=1000))


def constant(task: str, _: Features, __: Mapping[str, Any]) -> Any:
    """Return the estimator that learns nothing but the mean, or the share of each class."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()


ESTIMATORS: dict[str, tuple[Callable[[str, Features, Mapping[str, Any]], Any], list[str]]] = {
    "gradient-boosting": (
        gradient_boosting,
        [
            "learning_rate",
            "max_iter",
            "max_leaf_nodes",
            "min_samples_leaf",
            "l2_regularization",
            "max_features",
            "increasing",
            "decreasing",
            "random_state",
        ],
    ),
    "random-forest": (random_forest, ["max_iter", "min_samples_leaf", "max_features", "random_state"]),
    "linear": (linear, ["alpha"]),
    "constant": (constant, []),
}
