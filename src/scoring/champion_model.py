"""The champion: the model to beat, found in the registry or by its path, whatever state it is in."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from modelling import models
from modelling.models import Array, Model
from scoring import served_model
from scoring.served_model import Served
from support import step
from support.registered import RegisteredModel
from support.registry import Aliased, aliased
from tabular.columns import as_array

if TYPE_CHECKING:
    import pandas as pd

TIMED_ROWS = 200


class Champion(NamedTuple):
    """The model to beat."""

    digest: str | None = None  # none where there is no champion yet
    model: Model | None = None  # none too where it is the challenger itself, or cannot be loaded
    size: int | None = None  # bytes of its file
    problem: str = ""  # why it cannot be loaded; empty where it can

    def predict(self, rows: pd.DataFrame, classes: Sequence[str]) -> tuple[Array | None, str]:
        """Return its predictions, with classes in the order of `classes`; or None, and why."""
        if self.model is None:
            return None, self.problem
        known = self.model.classes
        if sorted(known) != sorted(classes):
            return None, f"it predicts something else: {step.listing(known) or 'numbers'}"
        try:
            predicted = self.model.predict(rows)
        except step.StepError as error:
            return None, f"{error}; keep the column in the holdout, or give --champion-holdout"
        return predicted[:, [known.index(name) for name in classes]] if classes else predicted, ""


def in_folder(folder: Path, challenger: str) -> Champion:
    """Return the champion in a model folder; `challenger` is the digest of the model that is judged."""
    try:
        served = served_model.by_path(folder)
        return _loaded(served, str(models.read_facts(served.folder)["digest"]), challenger)
    except step.StepError as error:
        return Champion("unknown", problem=str(error))


def in_registry(uri: str, name: str, alias: str, challenger: str) -> Champion:
    """Return the champion that has an alias in a registry; see `in_folder`."""
    found = aliased(uri, name, alias)
    if found is None or found.digest == challenger:
        return Champion(found and found.digest)
    digest = found.digest or "unknown"
    try:
        with TemporaryDirectory() as folder:
            return _loaded(_files(uri, name, alias, found, Path(folder)), digest, challenger)
    except step.StepError as error:
        return Champion(digest, problem=str(error))


def _files(uri: str, name: str, alias: str, found: Aliased, folder: Path) -> Served:
    """Return the champion where its files are; those of a server are fetched into `folder`."""
    if found.source.startswith("file:"):
        return served_model.by_alias(name, alias, uri)
    registered = RegisteredModel(uri, name)
    fetched = registered.files(registered.aliased(alias), folder / "model")
    return served_model.by_path(fetched, found.digest)


def _loaded(served: Served, digest: str, challenger: str) -> Champion:
    if digest == challenger:
        return Champion(digest)
    try:
        return Champion(digest, served.load(), file_size(served.folder))
    except step.StepError as error:
        return Champion(digest, problem=str(error))


def row_milliseconds(model: Model, table: pd.DataFrame) -> float:
    """Return how long the prediction of a single row takes: the median of the first 200 rows, in ms."""
    columns = {name: as_array(table[name]) for name in model.features.columns}
    seconds = []
    for row in range(min(TIMED_ROWS, len(table))):
        started = time.perf_counter()
        model.predict({name: values[row : row + 1] for name, values in columns.items()})
        seconds.append(time.perf_counter() - started)
    return 1_000 * statistics.median(seconds)


def file_size(folder: Path) -> int:
    """Return the bytes of the model in `folder`."""
    return (folder / models.MODEL_FILE).stat().st_size
