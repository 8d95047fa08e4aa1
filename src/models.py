"""Models on disk: written with their digest, verified before a single byte is unpickled."""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import linear_rows
import utils
from features import FeatureSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MODEL_FILE = "model.pickle"
FACTS_FILE = "model.json"
MANY_ROWS = 20_000
PACKAGES = ("numpy", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Model:
    """A fitted estimator with what is needed to use it.

    Parameters
    ----------
    estimator : object
        Fitted on what `features` makes of a table.
    features : FeatureSpec
        Fitted.
    facts : dict
        What model.json holds: digest, task, target, classes, estimator, hyperparameters, packages.
    """

    estimator: Any
    features: FeatureSpec
    facts: dict[str, Any]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, the positive one of two last; empty for regression."""
        return list(self.facts["classes"])

    def predict(self, table: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return numbers of shape (rows,), or for classification probabilities of shape (rows, classes)."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        made = self.features.transform(table)
        if linear_rows.is_linear(self.estimator):
            return self.with_all_classes(linear_rows.predict(self.estimator, made))
        # sums in BLAS depend on the number of threads; those of trees do not, but few rows are not worth it
        with threadpool_limits(limits=1, user_api="blas" if len(made) >= MANY_ROWS else None):
            if self.facts["task"] == "regression":
                return self.estimator.predict(made)  # type: ignore[no-any-return]
            return self.with_all_classes(self.estimator.predict_proba(made))

    def with_all_classes(self, predicted: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return a column for each class; those that no training row had are never expected.

        Numbers, of shape (rows,), stay as they are.
        """
        if predicted.ndim == 1:
            return predicted
        import numpy as np

        whole = np.zeros((len(predicted), len(self.classes)))
        whole[:, self.estimator.classes_] = predicted
        return whole


def to_bytes(estimator: Any) -> bytes:
    """Return a pickle that is the same for equal estimators, whoever fitted them."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, protocol=5)
    # the memo records which equal strings are one object, and that differs from process to process
    pickler.fast = True
    pickler.dump(estimator)
    return stream.getvalue()


def save(folder: Path, estimator: Any, facts: dict[str, Any]) -> str:
    """Write model.pickle and model.json into `folder`; return the digest (sha256) of the former."""
    content = to_bytes(estimator)
    digest = hashlib.sha256(content).hexdigest()
    packages = {name: version(name) for name in PACKAGES}
    (folder / MODEL_FILE).write_bytes(content)
    utils.write_json({**facts, "digest": digest, "packages": packages}, folder / FACTS_FILE)
    return digest


def read_facts(folder: Path) -> dict[str, Any]:
    """Return model.json of `folder`, once it is a model's.

    Raises
    ------
    StepError
        When the file is missing, broken, or of something else.
    """
    facts = utils.read_json(folder / FACTS_FILE)
    needed = {"digest", "packages", "task", "classes", "features"}
    if not isinstance(facts, dict) or not needed <= facts.keys():
        raise utils.StepError(
            f"{folder / FACTS_FILE} does not describe a model: run the step that trains it again"
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
        raise utils.StepError(
            f"cannot read {file}: {error.strerror}; run the step that trains it again"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != facts["digest"]:
        raise utils.StepError(
            f"{file} is not the model that was trained: its digest is {digest[:12]}, {FACTS_FILE} says "
            f"{str(facts['digest'])[:12]}; it was not loaded, train it again"
        )
    return content, facts


def load(folder: Path) -> Model:
    """Return the model in `folder`, verified before it is unpickled.

    Raises
    ------
    StepError
        When its bytes are not those that training wrote, or packages have other versions than then.
    """
    content, facts = verify(folder)
    for package, trained in facts["packages"].items():
        if version(package) != trained:
            raise utils.StepError(
                f"{folder} was trained with {package} {trained}, here is {version(package)}: "
                "train it again, or install that version"
            )
    return Model(pickle.loads(content), FeatureSpec.from_dict(facts["features"]), facts)  # verified above
