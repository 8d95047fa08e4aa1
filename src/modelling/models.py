"""Models on disk: written with their digest, verified before a single byte is unpickled."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from modelling.features import Columns, FeatureSpec
from modelling.prediction import predictor
from support import step

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE = "model.pickle"
FACTS_FILE = "model.json"
PACKAGES = ("numpy", "pandas", "scikit-learn")
Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Model:
    """A fitted estimator with what is needed to use it."""

    estimator: Any  # fitted on the features of a table
    features: FeatureSpec  # fitted
    # content of model.json: digest, task, target, classes, estimator, hyperparameters, packages
    facts: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, the positive one of two last; empty for regression."""
        return list(self.facts["classes"])

    def predict(self, table: pd.DataFrame | Columns) -> Array:
        """Return the prediction of each row, independent of the other rows.

        Parameters
        ----------
        table : DataFrame, or mapping of str to ndarray of shape (rows,)
            The columns that `features` are made of.

        Returns
        -------
        ndarray of shape (rows,) or (rows, classes)
            Numbers, or probabilities of classes.

        Raises
        ------
        StepError
            When a column is missing, or holds values of another kind than declared.
        """
        return self.predict_features(self.features.transform(table))

    def predict_features(self, features: Array) -> Array:
        """Return the predictions for `features` of shape (rows, features)."""
        return self._with_all_classes(self._predictor(features))

    def _with_all_classes(self, predicted: Array) -> Array:
        if predicted.ndim == 1:
            return predicted
        probabilities = np.zeros((len(predicted), len(self.classes)))
        # a class without training rows has the probability 0
        probabilities[:, self.estimator.classes_] = predicted
        return probabilities

    def outputs(self, predicted: Array, threshold: float) -> dict[str, Array]:
        """Return the columns of the scores, the same in batch and online.

        Parameters
        ----------
        predicted : ndarray of shape (rows,) or (rows, classes)
            What `predict` returned.
        threshold : float
            For two classes, the probability from which on the positive one is predicted, from 0 to 1.

        Returns
        -------
        dict of str to ndarray of shape (rows,)
            prediction: a number, or the name of a class; for two classes probability (of the positive one),
            for more probability_<class>.
        """
        if predicted.ndim == 1:
            return {"prediction": predicted}
        names = np.array(self.classes, dtype=object)
        if len(names) == 2:
            probability = predicted[:, 1]
            return {"prediction": names[(probability >= threshold).astype(int)], "probability": probability}
        columns = {f"probability_{name}": predicted[:, code] for code, name in enumerate(names)}
        return {"prediction": names[predicted.argmax(axis=1)], **columns}

    def scores(self, features: Array, threshold: float) -> dict[str, Array]:
        """Return the columns of the scores of `features` of shape (rows, features).

        Returns
        -------
        dict of str to ndarray of shape (rows,)
            Those of `outputs`; of a model of groups also source, and low and high where it has intervals.
        """
        predicted = self.predict_features(features)
        details = self.estimator.details(features, predicted) if hasattr(self.estimator, "details") else {}
        return {**self.outputs(predicted, threshold), **details}

    def as_column(self, predicted: Array) -> Array:
        """Return one number for each row of what `predict` returned.

        Returns
        -------
        ndarray of shape (rows,)
            A number, the probability of the positive class of two, or the position of the likeliest of more.
        """
        if predicted.ndim == 1:
            return predicted
        return predicted[:, 1] if len(self.classes) == 2 else predicted.argmax(axis=1)

    @cached_property
    def _predictor(self) -> Callable[[Array], Array]:
        return predictor(self.estimator)


def to_bytes(estimator: Any) -> bytes:
    """Return a pickle that is the same for equal estimators of different processes."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, protocol=5)
    # the memo depends on which equal strings are one object, which differs between processes
    pickler.fast = True
    pickler.dump(estimator)
    return stream.getvalue()


def save(folder: Path, estimator: Any, facts: dict[str, Any]) -> str:
    """Write model.pickle and model.json into `folder`; return the digest (sha256) of the former."""
    content = to_bytes(estimator)
    digest = hashlib.sha256(content).hexdigest()
    packages = {name: version(name) for name in PACKAGES}
    (folder / MODEL_FILE).write_bytes(content)
    step.write_json({**facts, "digest": digest, "packages": packages}, folder / FACTS_FILE)
    return digest


def read_facts(folder: Path) -> dict[str, Any]:
    """Return the content of model.json in `folder`.

    Raises
    ------
    StepError
        When the file is missing, broken, or does not describe a model.
    """
    facts = step.read_json(folder / FACTS_FILE)
    needed = {"digest", "packages", "task", "classes", "features"}
    if not isinstance(facts, dict) or not needed <= facts.keys():
        raise step.StepError(
            f"{folder / FACTS_FILE} does not describe a model: rerun the step that trains it"
        )
    return facts


def verify(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of the model in `folder` and its facts, after comparing the digests.

    Raises
    ------
    StepError
        When the bytes are not those that training wrote.
    """
    facts = read_facts(folder)
    file = folder / MODEL_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise step.StepError(
            f"cannot read {file}: {error.strerror}; rerun the step that trains it"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != facts["digest"]:
        raise step.StepError(
            f"{file} is not the model that was trained: its digest is {digest[:12]}, {FACTS_FILE} says "
            f"{str(facts['digest'])[:12]}; it was not loaded, retrain it"
        )
    return content, facts


def load(folder: Path) -> Model:
    """Return the model in `folder`, verified before it is unpickled.

    Raises
    ------
    StepError
        When its bytes are not those that training wrote, or packages have other versions.
    """
    content, facts = verify(folder)
    for package, trained in facts["packages"].items():
        if version(package) != trained:
            raise step.StepError(
                f"{folder} was trained with {package} {trained} but {version(package)} is installed: "
                f"retrain, or install {package} {trained}"
            )
    estimator = pickle.loads(content)  # verified above
    if hasattr(estimator, "feature_names_in_") or "categories" not in facts["features"]:
        raise step.StepError(f"{folder} was trained by an earlier version of these scripts: retrain it")
    return Model(estimator, FeatureSpec.from_dict(facts["features"]), facts)
