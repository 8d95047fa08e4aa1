"""What a search chooses among: learners under Azure's names, and one way to prepare columns."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# Azure's name -> whether it can classify, and whether it can regress
LEARNERS = {
    "LightGBM": (True, True),
    "RandomForest": (True, True),
    "ExtremeRandomTrees": (True, True),
    "GradientBoosting": (True, True),
    "LogisticRegression": (True, False),
    "ElasticNet": (False, True),
    "DecisionTree": (True, True),
    "KNN": (True, True),
}
PREPARATION = "MaxAbsScaler"
_BY_DEFAULT = ("LightGBM", "RandomForest", "ExtremeRandomTrees", "LogisticRegression", "ElasticNet")
_SEED = 0


def learners(specification: dict[str, Any]) -> list[str]:
    """Return the learners that the search may use: those allowed, without those blocked."""
    column = 0 if specification["task"] == "classification" else 1
    fitting = [name for name, can in LEARNERS.items() if can[column]]
    allowed = specification.get("allowed") or [name for name in _BY_DEFAULT if name in fitting]
    blocked = specification.get("blocked") or []
    chosen = [name for name in fitting if name in allowed and name not in blocked]
    if not chosen:
        raise ValueError(
            f"none of {', '.join(allowed)} can be searched here; choose from {', '.join(fitting)}"
        )
    return chosen


def space(names: list[str]) -> dict[str, Any]:
    """Return what FLAML searches."""
    tune: Any = import_module("flaml.tune")
    return {
        "learner": tune.choice(names),
        "trees": tune.lograndint(8, 256),
        "leaves": tune.lograndint(4, 128),
        "rate": tune.loguniform(0.01, 0.5),
        "share": tune.uniform(0.3, 1.0),
        "strength": tune.loguniform(0.001, 100.0),
    }


def starts(names: list[str]) -> list[dict[str, Any]]:
    """Return the first trials: each learner once, cheaply."""
    cheap = {"trees": 16, "leaves": 16, "rate": 0.1, "share": 0.8, "strength": 1.0}
    return [{"learner": name, **cheap} for name in names]


def featurizer(features: pd.DataFrame) -> Any:
    """Return what turns columns into numbers: gaps filled, classes unfolded, numbers scaled.

    Columns of other kinds, such as times, are left out.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder

    numbers = [name for name in features if features[name].dtype.kind in "iufb"]
    classes = [name for name in features if features[name].dtype.kind == "O"]
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=30, sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), MaxAbsScaler()), numbers),
            ("classes", make_pipeline(SimpleImputer(strategy="most_frequent"), encoder), classes),
        ]
    )


def learner(task: str, configuration: dict[str, Any], preparation: Any) -> Any:
    """Return an untrained model: preparation and estimator, of scikit-learn and LightGBM alone."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", preparation), ("model", _estimator(task, configuration))])


def _estimator(task: str, configuration: dict[str, Any]) -> Any:
    import lightgbm
    from sklearn import ensemble, linear_model, neighbors, tree

    kind = "Classifier" if task == "classification" else "Regressor"

    def of(library: Any, name: str, **settings: Any) -> Callable[[], Any]:
        return lambda: getattr(library, f"{name}{kind}")(**settings)

    trees, leaves = int(configuration["trees"]), int(configuration["leaves"])
    rate, share, strength = (configuration[name] for name in ("rate", "share", "strength"))
    seed, limit = {"random_state": _SEED}, {"max_leaf_nodes": leaves}
    forest = {"n_estimators": trees, "max_features": share, **limit, **seed}
    boosted = {"n_estimators": trees, "num_leaves": leaves, "learning_rate": rate, "colsample_bytree": share}
    estimators: dict[str, Callable[[], Any]] = {
        "LightGBM": of(lightgbm, "LGBM", **boosted, **seed, n_jobs=1, verbose=-1),
        "RandomForest": of(ensemble, "RandomForest", **forest),
        "ExtremeRandomTrees": of(ensemble, "ExtraTrees", **forest),
        "GradientBoosting": of(
            ensemble, "HistGradientBoosting", max_iter=trees, learning_rate=rate, **limit, **seed
        ),
        "LogisticRegression": lambda: linear_model.LogisticRegression(C=strength, max_iter=300),
        "ElasticNet": lambda: linear_model.ElasticNet(alpha=0.01 / strength, l1_ratio=share, max_iter=2000),
        "DecisionTree": of(tree, "DecisionTree", **limit, **seed),
        "KNN": of(neighbors, "KNeighbors", n_neighbors=leaves),
    }
    return estimators[configuration["learner"]]()
