"""Models of groups that an earlier execution fitted, by the digest of all that they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from modelling import models
from modelling.group_fit import GroupTask
from modelling.group_rows import GroupRows
from modelling.grouped_estimator import GroupedEstimator, PickledModels
from support import step
from tabular import tables

Array: TypeAlias = np.ndarray[Any, Any]
INDEX = "groups.parquet"


class KnownGroup(NamedTuple):
    """A pickled estimator, and how far below and above its predictions intervals reach."""

    content: bytes
    low: float
    high: float


# what decides how a model is fitted: where it changes, no model is known any more
CODE = ("estimators.py", "fitting.py", "group_fit.py", "prediction.py")


def digests_of(rows: GroupRows, columns: Sequence[int], task: GroupTask) -> list[str]:
    """Return the SHA-256 of what the model of each group depends on: how it is fitted, and its rows."""
    how = json.dumps(asdict(task), sort_keys=True, default=str).encode()
    for name in CODE:
        how += Path(__file__).with_name(name).read_bytes()
    digests = []
    for group in range(len(rows.names)):
        features, target = rows.of(group)
        content = hashlib.sha256(how)
        content.update(np.ascontiguousarray(features[:, columns]).tobytes())
        content.update(np.ascontiguousarray(target).tobytes())
        digests.append(content.hexdigest())
    return digests


def read_known(folder: Path | None) -> dict[str, KnownGroup]:
    """Return the models of groups that train_many wrote into `folder`, or anywhere below it, by digest.

    Each is verified before it is read.

    Raises
    ------
    StepError
        When there is no model of groups, or not the one that was trained.
    """
    known: dict[str, KnownGroup] = {}
    for part in _folders(folder) if folder else []:
        estimator = models.load(part).estimator
        if not isinstance(estimator, GroupedEstimator):
            raise step.StepError(f"--known: {part} is no model of groups: name one that train_many wrote")
        if isinstance(estimator.models, PickledModels):  # ridge regressions are solved anew at once
            digests = tables.read_table(part / INDEX)["digest"]
            for group in np.flatnonzero(estimator.models.present).tolist():
                reach = float(estimator.low[group]), float(estimator.high[group])
                known[digests[group]] = KnownGroup(estimator.models.content_of(group), *reach)
    return known


def _folders(folder: Path) -> list[Path]:
    folders = sorted(index.parent for index in folder.rglob(INDEX))
    models_of_groups = [part for part in folders if (part / models.FACTS_FILE).exists()]
    if not models_of_groups:
        raise step.StepError(f"--known: {folder} holds no {INDEX}: name a folder that train_many wrote")
    return models_of_groups


def parse_share(value: str) -> tuple[int, int]:
    """Return number and count of ``number/count``, e.g. 3/16."""
    number, _, count = value.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise step.StepError(f"--share: {value!r} is not number/count, e.g. 3/16")
    return int(number), int(count)
