"""A step put in after `train`, as the README says: notebooks take its model, or somebody is told."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from operation.engine.foundation.layout import project
from tests.notebooks.conftest import copy_project, operation, run

CALIBRATE = '''
    """Calibrate: shift a linear or constant model so that half of the training rows lie above it."""
    import argparse

    import numpy as np

    from modelling import models
    from modelling.targets import TARGET
    from support import step
    from tabular import tables


    def build_parser():
        parser = argparse.ArgumentParser(description="Shift a model to the median.")
        parser.add_argument("--uncalibrated", type=step.input_path, required=True, help="model of train")
        parser.add_argument("--training", type=step.input_path, required=True, help="training rows")
        parser.add_argument("--model", type=step.output_path, required=True, help="output folder")
        return parser


    def main(argv=None):
        args = build_parser().parse_args(argv)
        model, table = models.load(args.uncalibrated), tables.read_table(args.training)
        shift = float(np.median(table[TARGET].to_numpy("float64") - model.predict(table)))
        if hasattr(model.estimator, "constant_"):
            model.estimator.constant_ += shift
        else:
            model.estimator[-1].intercept_ += shift
        with step.new_folder(args.model) as folder:
            models.save(folder, model.estimator, model.facts)
            step.log_metrics(folder, {"shift": shift})


    if __name__ == "__main__":
        step.run_script(main)
'''
STEP = """
  calibrate:
    inputs:
      uncalibrated: train.model
      training: prepare.training

  evaluate:
"""
GIVEN = "is given train.model, but step '{}' of the use case 'diabetes' reads calibrate.model."
BYPASSED = f"""\
error: notebooks/03-train-model.ipynb:104: core.evaluate(model=...) {GIVEN.format("evaluate")} \
Replace it by using=trained.
notebooks/03-train-model.ipynb:125: core.evaluate(model=...) {GIVEN.format("evaluate")} \
Replace it by using=core.train(...).
notebooks/06-score-realtime.ipynb:60: core.serve(...) {GIVEN.format("register")} \
Serve core.register.input('model').
"""
DIFFERENT = (
    "06-score-realtime, cell In [6], notebooks/06-score-realtime.ipynb:4: AssertionError: 110 of 110 rows "
    "are predicted otherwise in a batch. Do register and batch_score read the same model?"
)
NAMES = ("03-train-model", "06-score-realtime")
CHOICE = ("--use-case", "diabetes")


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout whose use case `diabetes` calibrates its model."""
    root = copy_project(project().root, tmp_path_factory.mktemp("calibrated"))
    (root / "src" / "calibrate.py").write_text(dedent(CALIBRATE), encoding="utf-8")
    edit(
        root / "configuration" / "configuration-diabetes.yml",
        ("      model: train.model\n", "      model: calibrate.model\n"),
        ("challenger: train.model", "challenger: calibrate.model"),
        ("\n  evaluate:\n", STEP),
    )
    return root


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def manifest(calibrated: Path) -> dict[str, Any]:
    """The manifest of a run of both notebooks."""
    return run(calibrated, *CHOICE, "--notebook", *NAMES, "-p", "estimator=constant")


def steps(manifest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [step for step in manifest["steps"] if step["step"] == name]


def _trainings(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [*steps(manifest, "train"), *steps(manifest, "train_simple")]


def test_notebooks_evaluate_the_model_of_the_inserted_step(manifest: dict[str, Any]) -> None:
    trained = {f"runs/store/{step['key']}/model": step for step in _trainings(manifest)}
    models = {f"runs/store/{step['key']}/model": step for step in steps(manifest, "calibrate")}
    assert {step["inputs"]["uncalibrated"] for step in models.values()} == set(trained)
    assert len({step["metrics"]["shift"] for step in models.values()} - {0.0}) == 2  # constant and linear
    assert {step["inputs"]["model"] for step in steps(manifest, "evaluate")} == set(models)


def test_notebooks_serve_it(calibrated: Path, manifest: dict[str, Any]) -> None:
    (batch,), (calibration, _) = steps(manifest, "batch_score"), steps(manifest, "calibrate")
    assert batch["inputs"]["model"] == f"runs/store/{calibration['key']}/model"
    facts = json.loads((calibrated / batch["inputs"]["model"] / "model.json").read_text(encoding="utf-8"))
    notebook = calibrated / "runs" / manifest["id"] / "notebooks" / "06-score-realtime.ipynb"
    assert f"'digest': '{facts['digest']}'" in notebook.read_text(encoding="utf-8")


def test_check_and_run_name_the_notebooks_that_go_past_it(calibrated: Path) -> None:
    assert operation(calibrated, "check").returncode == 0
    kept = {path: path.read_bytes() for path in (calibrated / "notebooks").glob("*.ipynb")}
    training, service = (calibrated / "notebooks" / f"{name}.ipynb" for name in NAMES)
    edit(training, ("core.evaluate(using=trained)", "core.evaluate(model=trained.model)"))
    compared = 'using={\\"train\\": core.train_simple(estimator=\\"linear\\")}'
    edit(training, (compared, 'model=core.train(estimator=\\"linear\\").model'))
    edit(service, ('core.register.input(\\"model\\")', "core.train().model"))
    told = [operation(calibrated, *words) for words in (["check"], ["run", *CHOICE, "--notebook", *NAMES])]
    for path, content in kept.items():
        path.write_bytes(content)
    assert [(done.returncode, done.stderr) for done in told] == [(2, BYPASSED)] * 2


def test_predictions_that_differ_between_online_and_batch_fail_the_notebook(calibrated: Path) -> None:
    configuration = calibrated / "configuration" / "configuration-diabetes.yml"
    before = configuration.read_text(encoding="utf-8")
    old = "  batch_score:\n    inputs:\n      model: calibrate.model"
    edit(configuration, (old, old.replace("calibrate", "train")))  # forgotten when `calibrate` was put in
    done = operation(calibrated, "run", *CHOICE, "--notebook", "06-score-realtime")
    configuration.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert DIFFERENT in done.stderr
