"""The search itself: executed as a job, one trial after the other, each written down when it ends.

The space is FLAML's to explore: its search begins with one cheap trial of each learner and goes on
where the loss falls for its cost.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.emulator.automl.automl_learners import featurizer, learner, learners, space, starts
from operation.emulator.automl.automl_metrics import loss, scores_of

if TYPE_CHECKING:
    import pandas as pd

SPECIFICATION = "search.json"
TRIALS = "trials"
_FEW, _MANY = 1_000, 20_000  # rows: Azure folds in ten below the first, in three up to the second


class SearchEnded(Exception):
    """The search has what it was asked for."""


def search(table: Callable[[str], pd.DataFrame]) -> None:
    """Search as the specification in the working folder says; the trials are in `TRIALS`."""
    specification = json.loads(Path(SPECIFICATION).read_text(encoding="utf-8"))
    trial = Trial(specification, table)
    tune: Any = import_module("flaml.tune")
    names = learners(specification)
    print(f"searching among {', '.join(names)} for {specification['metric']}", flush=True)
    try:
        tune.run(
            trial,
            config=space(names),
            low_cost_partial_config={"trees": 8, "leaves": 4},
            points_to_evaluate=starts(names),
            metric="loss",
            mode="min",
            num_samples=specification["iterations"],
            time_budget_s=specification["seconds"],
            verbose=0,
        )
    except SearchEnded as reason:
        print(f"the search ends: {reason}", flush=True)
    if not trial.count:
        raise RuntimeError(
            f"no trial ended within {specification['seconds']:g} s: allow more time, or give fewer rows"
        )


class Trial:
    """One configuration after the other, trained and measured."""

    def __init__(self, specification: dict[str, Any], table: Callable[[str], pd.DataFrame]) -> None:
        self._specification = specification
        self._until = time.monotonic() + specification["seconds"]
        self._train = self._rows(table(specification["training"]))
        held_out = specification.get("validation")
        self._held_out = self._rows(table(held_out)) if held_out else None
        self.count = 0
        print(f"{len(self._train[1])} rows, {self._train[0].shape[1]} columns", flush=True)

    def __call__(self, configuration: dict[str, Any]) -> dict[str, float]:
        """Train and measure one configuration; return its loss."""
        if time.monotonic() > self._until and self.count:
            raise SearchEnded(f"the time of {self._specification['seconds']:g} s is over")
        began = datetime.now(UTC)
        metrics, model = self._measured(configuration)
        self._write(configuration, metrics, model, began)
        score, exit_score = metrics[self._specification["metric"]], self._specification.get("exit_score")
        print(f"{self.count - 1:4d}  {configuration['learner']:20s} {score:.6f}", flush=True)
        value = loss(self._specification["metric"], score)
        if exit_score is not None and value <= loss(self._specification["metric"], exit_score):
            raise SearchEnded(f"a score of {exit_score} was asked for and is reached")
        return {"loss": value}

    def _rows(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
        label, weight = self._specification["label"], self._specification.get("weight")
        if label not in table:
            columns = ", ".join(map(str, table.columns))
            raise ValueError(f"the training data has no label_column_name {label!r}; it has: {columns}")
        rows = table.dropna(subset=[label])
        unused = [name for name in (label, weight) if name in rows]
        return rows.drop(columns=unused), rows[label]

    def _measured(self, configuration: dict[str, Any]) -> tuple[dict[str, float], Any]:
        """Return the metrics on rows that the model did not see, and a model of all training rows."""
        from sklearn.base import clone

        task, (features, label) = self._specification["task"], self._train
        model = learner(task, configuration, featurizer(features))
        if self._held_out:
            model.fit(features, label)
            return scores_of(task, model, *self._held_out), model
        fold_scores = []
        for training, held_out in self._splits(features, label):
            fitted = clone(model).fit(features.iloc[training], label.iloc[training])
            fold_scores.append(scores_of(task, fitted, features.iloc[held_out], label.iloc[held_out]))
        model.fit(features, label)
        return {
            name: sum(document[name] for document in fold_scores) / len(fold_scores)
            for name in fold_scores[0]
        }, model

    def _splits(self, features: pd.DataFrame, label: pd.Series) -> Any:
        from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

        classes = self._specification["task"] == "classification" and label.value_counts().min() > 1
        folds, share, rows = self._specification.get("folds"), self._specification.get("share"), len(label)
        if not folds and not share:
            folds, share = (10, None) if rows < _FEW else (3, None) if rows <= _MANY else (None, 0.1)
        if folds:
            folds = min(int(folds), int(label.value_counts().min()) if classes else rows)
            kind = StratifiedKFold if classes else KFold
            return kind(max(folds, 2), shuffle=True, random_state=0).split(features, label)
        once = StratifiedShuffleSplit if classes else ShuffleSplit
        return once(1, test_size=share, random_state=0).split(features, label)

    def _write(
        self, configuration: dict[str, Any], metrics: dict[str, float], model: Any, began: datetime
    ) -> None:
        """Write a trial whole: the folder appears under its name when everything is in it."""
        partial = Path(TRIALS) / f"partial-{self.count}"
        partial.mkdir(parents=True)
        (partial / "model.pkl").write_bytes(pickle.dumps(model))
        record = {"configuration": configuration, "metrics": metrics, "began": began.isoformat()}
        record["ended"] = datetime.now(UTC).isoformat()
        (partial / "trial.json").write_text(json.dumps(record), encoding="utf-8")
        os.replace(partial, Path(TRIALS) / str(self.count))  # noqa: PTH105 - atomic
        self.count += 1
