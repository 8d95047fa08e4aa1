"""Train: the same arguments give the same bytes, on any number of threads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comparing import profiles
from modelling import models
from support import step
from tabular import tables
from tests.src.running import Trained, child, contents, error_of, left_over, run


def test_what_a_model_says_of_itself(binary: Trained) -> None:
    facts = json.loads((binary.model / "model.json").read_text(encoding="utf-8"))
    assert (facts["estimator"], facts["task"], facts["target"]) == (
        "gradient-boosting",
        "classification",
        "diagnosis",
    )
    assert facts["classes"] == ["benign", "malignant"]
    assert facts["hyperparameters"]["max_iter"] == 20
    assert set(facts["packages"]) == {"numpy", "pandas", "scikit-learn"}
    assert facts["features"]["categories"] == {"size": ["large", "medium", "small"]}
    assert facts["rows"] == 425


def test_metrics_of_training(binary: Trained) -> None:
    metrics = json.loads((binary.model / "metrics.json").read_text(encoding="utf-8"))
    assert metrics == {"rows": 425.0, "features": 4.0}


def test_the_schema_of_the_table_holds_for_requests(binary: Trained, tmp_path: Path) -> None:
    text = """columns:
      radius: {dtype: float64, greater_than: 2}
      texture: {dtype: float64, nullable: true, in_range: {min_value: 5, max_value: 50}}
      size: {dtype: str, nullable: true, isin: [small, medium, large]}
    """
    (tmp_path / "schema.yml").write_text(text, encoding="utf-8")
    run("train", *binary.trained_into(tmp_path / "m"), "--schema", tmp_path / "schema.yml")
    own, with_schema = (models.read_facts(folder)["schema"] for folder in (binary.model, tmp_path / "m"))
    assert with_schema == {
        "radius": {**own["radius"], "minimum": 2.0},
        "texture": {**own["texture"], "minimum": 5.0, "maximum": 50.0},
        "size": {**own["size"], "allowed": ["large", "medium", "small"]},
        "day": own["day"],
    }


def test_rules_of_the_schema_hold_for_requests_and_others_are_named(
    binary: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = """columns: {radius: {dtype: float64}, texture: {dtype: float64}, patient: {dtype: str}}
      unique: [radius]
      rules: {larger: radius < texture, named: patient.notna()}
      thresholds: {larger: {warn: 0, fail: 0.5}}
    """
    (tmp_path / "schema.yml").write_text(text.replace("\n      ", "\n"), encoding="utf-8")
    run("train", *binary.trained_into(tmp_path / "m"), "--schema", tmp_path / "schema.yml")
    assert "not checked in requests, for one row does not tell: unique, named" in capsys.readouterr().out
    assert models.read_facts(tmp_path / "m")["rules"] == [
        {
            **{"name": "larger", "columns": ["radius", "texture"], "text": "fails radius < texture"},
            **{"refuses": False, "rule": "radius < texture"},
        }
    ]


def test_a_reference_of_outputs_on_held_out_rows(binary: Trained, tmp_path: Path) -> None:
    run("train", *binary.trained_into(tmp_path / "m"), "--holdout", binary.holdout, "--slices", "size")
    assert (tmp_path / "m/model.pickle").read_bytes() == (binary.model / "model.pickle").read_bytes()
    profile = profiles.load(tmp_path / "m", models.read_facts(tmp_path / "m"))
    predicted = models.load(binary.model).predict(tables.read_table(binary.holdout))[:, 1]
    assert profile["output", "probability", ""].rows == len(predicted) == 144
    assert profile["output", "probability", ""].effect(predicted, 0.05).size == pytest.approx(0, abs=1e-9)
    assert {part for part, _, _ in profile} == {"output", "label", "feature"}
    assert not any(within for _, _, within in profile)  # all slices have fewer than 200 rows
    own = profiles.load(binary.model, models.read_facts(binary.model))
    assert [name for _, name, _ in own] == ["radius", "texture", "size", "day weekday"]


@pytest.mark.parametrize("name", ["binary", "multiclass", "regression"])
def test_the_same_arguments_give_the_same_bytes(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(name)
    run("train", *trained.trained_into(tmp_path / "m"))
    assert contents(tmp_path / "m") == contents(trained.model)


@pytest.mark.parametrize(("name", "threads"), [("binary", 1), ("multiclass", 3), ("regression", 3)])
def test_a_process_with_other_threads_writes_the_same_bytes(
    name: str, threads: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(name)
    variables = {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "PYTHONHASHSEED": "11",
    }
    done = child("train", *trained.trained_into(tmp_path / "m"), **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "m") == contents(trained.model)


def test_another_seed_gives_another_model(binary: Trained, tmp_path: Path) -> None:
    run("train", *binary.trained_into(tmp_path / "m"), "--random-state", 1)
    assert (tmp_path / "m/model.pickle").read_bytes() != (binary.model / "model.pickle").read_bytes()


def test_the_constant_learns_nothing_but_the_mean(regression: Trained, tmp_path: Path) -> None:
    from modelling import models

    run("train", *regression.trained_into(tmp_path / "m"), "--estimator", "constant")
    holdout = tables.read_table(regression.holdout)
    mean = tables.read_table(regression.training)["target"].mean()
    assert models.load(tmp_path / "m").predict(holdout) == pytest.approx(mean)


MISTAKES = {
    "--learning-rate 0": "--learning-rate: 0.0 is out of range: give a number above 0, at most 10",
    "--max-features 1.5": "--max-features: 1.5 is out of range: give a number above 0, at most 1",
    "--alpha -1": "--alpha: -1.0 is out of range: give a number above 0, at most 1e+12",
    "--max-iter 0": "--max-iter: 0 is out of range: give 1 or more",
    "--max-leaf-nodes 1": "--max-leaf-nodes: 1 is out of range: give 2 or more",
    "--min-samples-leaf 0": "--min-samples-leaf: 0 is out of range: give 1 or more",
    "--l2-regularization -0.5": "--l2-regularization: -0.5 is out of range: give 0 or more",
    "--random-state -1": "--random-state: -1 is out of range: give 0 or more",
    "--increasing raduis": "--increasing: there is no numeric feature 'raduis' (did you mean 'radius'?)",
    "--decreasing size": "--decreasing: there is no numeric feature 'size'",
    "--increasing radius --decreasing radius": "--increasing and --decreasing both name 'radius': "
    "remove it from one",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_hyperparameters_that_cannot_be_used(binary: Trained, tmp_path: Path, words: str) -> None:
    assert error_of(run, "train", *binary.trained_into(tmp_path / "m"), *words.split()) == MISTAKES[words]
    assert left_over(tmp_path) == []


def test_a_prediction_rises_only_with_what_it_may_rise_with(binary: Trained, tmp_path: Path) -> None:
    from modelling import models

    run("train", *binary.trained_into(tmp_path / "m"), "--increasing", "radius", "--decreasing", "texture")
    model = models.load(tmp_path / "m")
    rows = tables.read_table(binary.holdout).head(1).loc[[0] * 30]
    by_radius = model.predict(rows.assign(radius=range(30)))[:, 1]
    by_texture = model.predict(rows.assign(texture=range(30)))[:, 1]
    assert (by_radius[1:] >= by_radius[:-1]).all()
    assert by_radius[-1] > by_radius[0]
    assert (by_texture[1:] <= by_texture[:-1]).all()


def test_rows_that_were_not_prepared(binary: Trained, tmp_path: Path) -> None:
    words = ["--training", binary.table, "--features", binary.features, "--model", tmp_path / "m"]
    with pytest.raises(step.StepError) as caught:
        run("train", *words)
    columns = "radius, texture, smoothness, size, day, diagnosis"
    assert str(caught.value) == f"{binary.table}: there is no column 'target'; the columns are: {columns}"


def test_training_rows_of_one_class(binary: Trained, tmp_path: Path) -> None:
    table = tables.read_table(binary.training)
    table[table["target"] == 1].to_parquet(tmp_path / "t.parquet")
    assert error_of(
        run, "train", *binary.trained_into(tmp_path / "m"), "--training", tmp_path / "t.parquet"
    ) == (f"{tmp_path / 't.parquet'} has rows of one class only: change the split of prepare")


def test_a_class_that_only_the_holdout_has_is_never_expected(multiclass: Trained, tmp_path: Path) -> None:
    from modelling import models

    table = tables.read_table(multiclass.training)
    table[table["target"] != 1].to_parquet(tmp_path / "t.parquet")
    run("train", *multiclass.trained_into(tmp_path / "m"), "--training", tmp_path / "t.parquet")
    predicted = models.load(tmp_path / "m").predict(tables.read_table(multiclass.holdout))
    assert predicted.shape[1] == 3
    assert (predicted[:, 1] == 0).all()
    assert predicted.sum(axis=1) == pytest.approx(1)


def test_too_many_categories_for_gradient_boosting() -> None:
    from modelling import estimators

    assert error_of(
        estimators.gradient_boosting, "regression", estimators.Features(["c"], {"c": 256}), {}
    ) == (
        "feature 'c' has 256 categories but gradient-boosting takes at most 255: lower "
        "--max-categories of prepare"
    )


def test_the_parser_offers_the_estimators_that_there_are() -> None:
    import train
    from modelling import estimators

    action = next(a for a in train.build_parser()._actions if a.dest == "estimator")
    assert list(action.choices or []) == list(estimators.ESTIMATORS)
