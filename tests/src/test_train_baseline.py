"""Train a baseline: a search that finds the same model twice, whatever time it takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelling import models
from tabular import tables
from tests.src.running import SRC, Trained, contents, error_of, run

ITERATIONS = 6
# without Ray, whose samplers FLAML takes where it is installed, and by a clock that says anything
ELSEWHERE = """
import itertools, sys, time
ticks = itertools.count()
time.time = lambda: float(next(ticks) ** 2 % 977)
sys.modules["ray"] = None
sys.path.insert(0, sys.argv.pop(1))
import train_baseline
train_baseline.main(sys.argv[1:])
"""


def search(data: Trained, model: Path, *words: object) -> Path:
    rows = ["--training", data.training, "--features", data.features]
    run("train_baseline", *rows, "--iterations", ITERATIONS, *words, "--model", model)
    return model


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, regression: Trained) -> Path:
    return search(regression, tmp_path_factory.mktemp("baseline") / "m")


def test_two_searches_write_the_same_bytes(tmp_path: Path, regression: Trained, found: Path) -> None:
    rows = ["--training", regression.training, "--features", regression.features]
    words = [*rows, "--iterations", ITERATIONS, "--model", tmp_path / "m"]
    subprocess.run([sys.executable, "-c", ELSEWHERE, SRC, *map(str, words)], check=True)
    assert contents(tmp_path / "m") == contents(found)


def test_every_estimator_is_tried_and_the_best_is_kept(regression: Trained, found: Path) -> None:
    trials = tables.read_table(found / "trials.parquet")
    assert trials["trial"].tolist() == list(range(ITERATIONS))
    assert set(trials["estimator"]) == {"gradient-boosting", "random-forest", "linear"}
    best = trials.loc[trials["loss"].idxmin()]
    model = models.load(found)
    assert model.facts["estimator"] == best["estimator"]
    assert len(model.predict(tables.read_table(regression.holdout))) > 0


def test_classes(tmp_path: Path, binary: Trained) -> None:
    model = models.load(search(binary, tmp_path / "m", "--estimators", "linear", "--time-column", "day"))
    assert model.classes == ["benign", "malignant"]


def test_a_search_out_of_time_fails(tmp_path: Path, regression: Trained) -> None:
    assert error_of(search, regression, tmp_path / "m", "--seconds", "1e-9") == (
        f"--seconds: 1e-09 s are over after 1 of {ITERATIONS} trials: lower --iterations, or allow more time"
    )
    assert not (tmp_path / "m").exists()


def test_each_estimator_needs_a_trial(tmp_path: Path, regression: Trained) -> None:
    assert error_of(search, regression, tmp_path / "m", "--iterations", "2") == (
        "--iterations: 2 is out of range: give 3 or more, one for each of --estimators"
    )
