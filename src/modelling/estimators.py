"""Estimators: unfitted scikit-learn estimators by name and hyperparameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from support import step

MAX_CATEGORIES = 255


@dataclass(frozen=True)
class Features:
    """Names of the features, and the number of categories of those that hold codes."""

    names: list[str]
    category_counts: Mapping[str, int]

    @property
    def codes(self) -> list[int]:
        """Positions of the features that hold codes of categories."""
        return [position for position, name in enumerate(self.names) if name in self.category_counts]

    @property
    def numbers(self) -> list[int]:
        """Positions of the other features."""
        return [position for position, name in enumerate(self.names) if name not in self.category_counts]


def make(name: str, task: str, features: Features, hyperparameters: Mapping[str, Any]) -> Any:
    """Return an unfitted estimator.

    Parameters
    ----------
    name : str
        A key of `ESTIMATORS`.
    task : {"classification", "regression"}
        What is predicted.
    features : Features
        The features to fit on.
    hyperparameters : mapping of str to value
        At least those that `ESTIMATORS` lists; others are ignored.

    Returns
    -------
    estimator
        With scikit-learn's interface; accepts missing values.

    Raises
    ------
    StepError
        When hyperparameters and features do not fit each other.
    """
    build, used = ESTIMATORS[name]
    return build(task, features, {key: hyperparameters[key] for key in used})


def gradient_boosting(task: str, features: Features, values: Mapping[str, Any]) -> Any:
    """Return histogram gradient boosting; categories are split as sets."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    for feature, count in features.category_counts.items():
        if count > MAX_CATEGORIES:
            raise step.StepError(
                f"feature {feature!r} has {count} categories but gradient-boosting takes at most "
                f"{MAX_CATEGORIES}: lower --max-categories of prepare"
            )
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    options = dict(values)
    directions = _directions(features, options.pop("increasing"), options.pop("decreasing"))
    # early stopping would hold out random rows, which says nothing about later ones
    return kind(
        categorical_features=features.codes or None,
        monotonic_cst=directions if any(directions) else None,
        early_stopping=False,
        **options,
    )


def _directions(features: Features, increasing: Sequence[str], decreasing: Sequence[str]) -> list[int]:
    """Return for each feature 1 or -1 where the prediction may only rise or only fall with it, else 0."""
    numbers = [features.names[position] for position in features.numbers]
    for option, names in (("--increasing", increasing), ("--decreasing", decreasing)):
        for name in names:
            if name not in numbers:
                near = step.nearest(name, numbers)
                raise step.StepError(f"{option}: there is no numeric feature {name!r}{near}")
    for name in increasing:
        if name in decreasing:
            raise step.StepError(f"--increasing and --decreasing both name {name!r}: remove it from one")
    return [(name in increasing) - (name in decreasing) for name in features.names]


def random_forest(task: str, _: Features, values: Mapping[str, Any]) -> Any:
    """Return a random forest; codes of categories count as numbers."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if task == "classification" else RandomForestRegressor
    options = dict(values)
    return kind(n_jobs=-1, n_estimators=options.pop("max_iter"), max_leaf_nodes=None, **options)


def linear(task: str, features: Features, values: Mapping[str, Any]) -> Any:
    """Return ridge or logistic regression on standardized numbers and one-hot categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )
    categories = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("numbers", numbers, features.numbers), ("categories", categories, features.codes)]
    )
    alpha = values["alpha"]
    if task == "regression":
        return make_pipeline(columns, Ridge(alpha=alpha))
    return make_pipeline(columns, LogisticRegression(C=1 / alpha, max_iter=1000))


def constant(task: str, _: Features, __: Mapping[str, Any]) -> Any:
    """Return an estimator that predicts the mean, or the share of each class."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()


_BOOSTING = "learning_rate max_iter max_leaf_nodes min_samples_leaf l2_regularization max_features"
ESTIMATORS: dict[str, tuple[Callable[[str, Features, Mapping[str, Any]], Any], list[str]]] = {
    "gradient-boosting": (
        gradient_boosting,
        [*_BOOSTING.split(), "increasing", "decreasing", "random_state"],
    ),
    "random-forest": (random_forest, ["max_iter", "min_samples_leaf", "max_features", "random_state"]),
    "linear": (linear, ["alpha"]),
    "constant": (constant, []),
}
