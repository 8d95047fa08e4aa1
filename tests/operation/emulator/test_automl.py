"""AutoML submissions of the SDK are searched for real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from operation.emulator.automl.automl_learners import learners
from operation.emulator.automl.automl_metrics import loss
from operation.emulator.automl.automl_search import Trial

SUBMIT = """
import json, logging, warnings
warnings.simplefilter("ignore")
import joblib
import pandas as pd
from azureml.core import Dataset, Experiment, Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.data.dataset_factory import DataType
from azureml.train.automl import AutoMLConfig
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlautoml", **place)
size = AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=2)
cluster = ComputeTarget.create(workspace, "cpu", size)
store = workspace.get_default_datastore()
store.upload_files(["rows.csv"], target_path="automl", show_progress=False)
types = {"distance": DataType.to_long(), "late": DataType.to_long()}
how = {"validate": False, "infer_column_types": False, "set_column_types": types}  # nothing is read here
rows = Dataset.Tabular.from_delimited_files((store, "automl/rows.csv"), **how)
experiment = Experiment(workspace, "automl")
def submit(task="classification", metric="AUC_weighted", label="late", **more):
    more = {"iterations": 3, "experiment_timeout_hours": 0.25, "n_cross_validations": 3, **more}
    data = {"training_data": rows, "label_column_name": label, "compute_target": cluster}
    return experiment.submit(AutoMLConfig(task=task, primary_metric=metric, **data, **more))
def refused(**how):
    try:
        return str(submit(**how))
    except Exception as error:
        return str(error)
found = {}
run = submit(blocked_models=["LogisticRegression"])
forecast = {"task": "forecasting", "metric": "r2_score", "time_column_name": "day", "forecast_horizon": 1}
found["forecasting"] = refused(**forecast)
run.wait_for_completion()
best, _ = run.get_output()
children = [child for child in run.get_children() if "iteration" in child.get_properties()]
scores = {child.id: float(child.get_properties()["score"]) for child in children}
found["status"] = run.get_status()
found["scores"] = sorted(scores.values())
found["learners"] = sorted(child.get_properties()["run_algorithm"] for child in children)
best_score = best.get_metrics("AUC_weighted")["AUC_weighted"]
found["best"] = [best.id, run.get_best_child().id, max(scores, key=scores.get), best_score]
best.download_file("outputs/model.pkl", "model.pkl")
table = pd.read_csv("rows.csv")
said = joblib.load("model.pkl").predict(table.drop(columns="late"))
found["accuracy"] = float((said == table["late"]).mean())
model = run.register_model("baseline")
found["registered"] = [model.name, model.run_id == best.id]
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK sees of a search, and of one that is refused."""
    lines = ["distance,carrier,late"]
    lines += [f"{row % 17},{'AB'[row % 3 % 2]},{int(row % 17 + 4 * (row % 3) > 10)}" for row in range(200)]
    return answered(SUBMIT, {"rows.csv": "\n".join(lines) + "\n"})


def a_search_gives_a_run_for_each_trial_and_the_best_model(found: dict[str, Any]) -> None:
    assert found["status"] == "Completed"
    assert found["learners"] == ["ExtremeRandomTrees", "LightGBM", "RandomForest"]
    assert len(found["scores"]) == 3
    first, second, highest, score = found["best"]
    assert first == second == highest
    assert score == found["scores"][-1] > 0.9
    assert found["accuracy"] > 0.8
    assert found["registered"] == ["baseline", True]


def test_a_label_that_is_no_column_is_named_with_the_columns() -> None:
    table = pd.DataFrame({"distance": [1], "late": [0]})
    wanted = {"training": "of the test", "label": "latte", "seconds": 1}
    with pytest.raises(ValueError, match=r"has no label_column_name 'latte'; it has: distance, late"):
        Trial(wanted, lambda _: table)


def what_is_not_emulated_is_refused_before_it_starts(found: dict[str, Any]) -> None:
    assert (
        "the emulator searches for classification and regression, not for forecasting" in found["forecasting"]
    )


def test_learners_are_those_allowed_without_those_blocked() -> None:
    wanted = {"task": "regression", "allowed": ["LightGBM", "ElasticNet", "Prophet"], "blocked": ["LightGBM"]}
    assert learners(wanted) == ["ElasticNet"]
    with pytest.raises(ValueError, match="none of Prophet can be searched here; choose from LightGBM, "):
        learners({"task": "regression", "allowed": ["Prophet"]})


@pytest.mark.parametrize(
    ("metric", "better", "worse"),
    [
        ("AUC_weighted", 0.9, 0.8),
        ("normalized_root_mean_squared_error", 0.1, 0.2),
        ("r2_score", 0.5, float("nan")),
    ],
)
def test_a_better_score_is_a_smaller_loss(metric: str, better: float, worse: float) -> None:
    assert loss(metric, better) < loss(metric, worse)


def test_automl_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_search_gives_a_run_for_each_trial_and_the_best_model,
        what_is_not_emulated_is_refused_before_it_starts,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
