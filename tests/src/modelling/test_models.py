"""Models are verified before a single byte is unpickled."""

from __future__ import annotations

import json
import pickle
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from modelling import models
from support import step
from tabular import tables
from tests.src.running import Trained


@pytest.fixture
def copied(binary: Trained, tmp_path: Path) -> Path:
    shutil.copytree(binary.model, tmp_path / "m")
    return tmp_path / "m"


def test_a_model_that_was_written_is_loaded(copied: Path, binary: Trained) -> None:
    model = models.load(copied)
    predicted = model.predict(tables.read_table(binary.holdout))
    assert predicted.shape == (144, 2)
    assert np.allclose(predicted.sum(axis=1), 1)
    assert model.classes == ["benign", "malignant"]


def test_one_row_gives_what_it_gives_in_the_table(copied: Path, binary: Trained) -> None:
    model, table = models.load(copied), tables.read_table(binary.holdout)
    alone = np.vstack([model.predict(pd.DataFrame([table.iloc[row].to_dict()])) for row in range(10)])
    assert (alone == model.predict(table)[:10]).all()


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a tampered model was unpickled",))


def test_a_tampered_model_is_never_unpickled(copied: Path) -> None:
    (copied / "model.pickle").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(step.StepError) as caught:
        models.load(copied)
    assert str(caught.value).startswith(
        f"{copied / 'model.pickle'} is not the model that was trained: its digest is "
    )
    assert str(caught.value).endswith("; it was not loaded, retrain it")


def test_a_single_flipped_bit_is_seen(copied: Path) -> None:
    content = bytearray((copied / "model.pickle").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "model.pickle").write_bytes(content)
    with pytest.raises(step.StepError, match="is not the model that was trained"):
        models.load(copied)


def test_another_version_of_a_package(copied: Path) -> None:
    facts = json.loads((copied / "model.json").read_text(encoding="utf-8"))
    facts["packages"]["scikit-learn"] = "0.1"
    (copied / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        models.load(copied)
    here = version("scikit-learn")
    assert str(caught.value) == (
        f"{copied} was trained with scikit-learn 0.1 but {here} is installed: "
        "retrain, or install scikit-learn 0.1"
    )


def test_a_folder_that_holds_no_model(tmp_path: Path, binary: Trained) -> None:
    with pytest.raises(step.StepError) as caught:
        models.load(tmp_path)
    missing = (
        f"cannot read {tmp_path / 'model.json'}: No such file or directory; rerun the step that writes it"
    )
    assert str(caught.value) == missing
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(step.StepError) as caught:
        models.load(tmp_path)
    other = f"{tmp_path / 'model.json'} does not describe a model: rerun the step that trains it"
    assert str(caught.value) == other
    shutil.copy(binary.model / "model.json", tmp_path)
    with pytest.raises(step.StepError) as caught:
        models.load(tmp_path)
    bytes_missing = f"cannot read {tmp_path / 'model.pickle'}: No such file or directory"
    assert str(caught.value) == f"{bytes_missing}; rerun the step that trains it"


def test_bytes_do_not_depend_on_which_equal_strings_are_one_object() -> None:
    features = np.arange(20.0).reshape(10, 2)
    one = DecisionTreeClassifier(criterion="gini", random_state=0).fit(features, np.arange(10) % 2)
    other = DecisionTreeClassifier(criterion="".join(["gi", "ni"]), random_state=0).fit(
        features, np.arange(10) % 2
    )
    assert models.to_bytes(one) == models.to_bytes(other)
