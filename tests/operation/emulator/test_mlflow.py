"""The workspace as an MLflow server, through MLflow's own client: what it logs, azureml-core reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from operation.emulator.http import HttpError
from operation.emulator.mlflow.mlflow_experiments import search_models, search_runs

TRACK = """
import json, os, pathlib
import mlflow
from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from mlflow import MlflowClient

workspace = Workspace.get(
    "amlmlflow", subscription_id="11111111-1111-1111-1111-111111111111", resource_group="rg-test"
)
mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
mlflow.set_experiment("tracked")
client, found = MlflowClient(), {}

pathlib.Path("source").mkdir()
script = "import mlflow; mlflow.log_metric('size', 7); mlflow.log_param('kind', 'job')"
pathlib.Path("source/job.py").write_text(script)
job = Experiment(workspace, "in-a-job").submit(ScriptRunConfig("source", "job.py"))

pathlib.Path("folder/deep").mkdir(parents=True)
pathlib.Path("folder/deep/note.txt").write_text("deep")
pathlib.Path("folder/MLmodel").write_text("flavors: {python_function: {}}")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"rate": 0.1, "kind": "tree"})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"rows": 5, "auc": 0.75})
    mlflow.set_tag("author", "somebody")
    mlflow.log_artifacts("folder", "kept")
    with mlflow.start_run(nested=True) as inner:
        mlflow.log_metric("auc", 0.5)
try:
    with mlflow.start_run(run_name="broken"):
        raise ValueError("no")
except ValueError:
    pass

shown = client.get_run(run.info.run_id)
found["shown"] = [shown.info.status, shown.info.run_name, shown.data.params, shown.data.metrics]
found["tag"] = shown.data.tags["author"]
found["history"] = [[one.step, one.value] for one in client.get_metric_history(run.info.run_id, "loss")]
found["artifacts"] = sorted(one.path for one in client.list_artifacts(run.info.run_id))
found["note"] = pathlib.Path(client.download_artifacts(run.info.run_id, "kept/deep/note.txt")).read_text()
names = lambda query, **more: list(mlflow.search_runs(filter_string=query, **more)["tags.mlflow.runName"])
found["good"] = names("metrics.auc > 0.6 and params.kind = 'tree'")
found["failed"] = names("attributes.status = 'FAILED'")
found["by auc"] = [one.info.run_id == inner.info.run_id for one in client.search_runs(
    [run.info.experiment_id], "metrics.auc > 0", order_by=["metrics.auc ASC"])]
found["parent"] = client.get_run(inner.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
try:
    client.log_param(run.info.run_id, "rate", 0.2)
except mlflow.exceptions.MlflowException as error:
    found["immutable"] = str(error)
try:
    client.get_run("nothing")
except mlflow.exceptions.MlflowException as error:
    found["missing"] = [error.error_code, str(error)]

same = Run(Experiment(workspace, "tracked"), run.info.run_id)
found["sdk"] = [same.get_status(), same.get_metrics(), sorted(same.get_file_names())]
found["children"] = len(list(same.get_children()))

client.create_registered_model("kept", tags={"team": "delays"})
version = client.create_model_version("kept", f"{run.info.artifact_uri}/kept", run.info.run_id)
client.set_registered_model_alias("kept", "champion", version.version)
client.set_model_version_tag("kept", version.version, "digest", "3f2a")
by_alias = client.get_model_version_by_alias("kept", "champion")
found["model"] = [by_alias.version, by_alias.run_id == run.info.run_id, by_alias.tags, list(by_alias.aliases)]
local = mlflow.artifacts.download_artifacts("models:/kept@champion", dst_path="back")
files = lambda folder: [one for one in pathlib.Path(folder).rglob("*") if one.is_file()]
found["files"] = sorted(one.relative_to(local).as_posix() for one in files(local))
model = workspace.models["kept"]
found["managed"] = [model.version, model.run_id == run.info.run_id, model.tags]
model.download("managed")
found["downloaded"] = sorted(one.name for one in files("managed"))
found["team"] = client.get_registered_model("kept").tags
job.wait_for_completion(raise_on_error=False)
found["job"] = [job.get_status(), job.get_metrics(), client.get_run(job.id).data.params]
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what MLflow's client and azureml-core see of the same runs and models."""
    return answered(TRACK)


def a_run_comes_back_as_it_was_logged(found: dict[str, Any]) -> None:
    metrics = {"loss": 1 / 3, "rows": 5, "auc": 0.75}
    assert found["shown"] == ["FINISHED", "first", {"rate": "0.1", "kind": "tree"}, metrics]
    assert found["history"] == [[0, 1], [1, 0.5], [2, 1 / 3]]
    assert (found["tag"], found["parent"]) == ("somebody", True)


def a_script_logs_to_its_own_run(found: dict[str, Any]) -> None:
    assert found["job"] == ["Completed", {"size": 7}, {"kind": "job"}]


def artifacts_are_kept_in_their_folders(found: dict[str, Any]) -> None:
    assert (found["artifacts"], found["note"]) == (["kept"], "deep")


def runs_are_searched_for_and_ordered(found: dict[str, Any]) -> None:
    assert (found["good"], found["failed"], found["by auc"]) == (["first"], ["broken"], [True, False])


def the_client_is_told_what_is_wrong(found: dict[str, Any]) -> None:
    assert "parameter rate is '0.1': parameters are immutable" in found["immutable"]
    assert found["missing"] == [
        "RESOURCE_DOES_NOT_EXIST",
        "RESOURCE_DOES_NOT_EXIST: run nothing does not exist",
    ]


def the_sdk_sees_the_same_run(found: dict[str, Any]) -> None:
    metrics = {"loss": [1, 0.5, 1 / 3], "rows": 5, "auc": 0.75}
    assert found["sdk"] == ["Completed", metrics, ["kept/MLmodel", "kept/deep/note.txt"]]
    assert found["children"] == 1


def a_registered_model_is_one_of_the_workspace(found: dict[str, Any]) -> None:
    assert found["model"] == ["1", True, {"digest": "3f2a"}, ["champion"]]
    assert found["team"] == {"team": "delays"}
    assert found["files"] == ["MLmodel", "deep/note.txt", "registered_model_meta"]  # the last is MLflow's own
    assert found["managed"] == [1, True, {"digest": "3f2a"}]
    assert found["downloaded"] == ["MLmodel", "note.txt"]


def test_tracking_through_mlflows_client(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_run_comes_back_as_it_was_logged,
        a_script_logs_to_its_own_run,
        artifacts_are_kept_in_their_folders,
        runs_are_searched_for_and_ordered,
        the_client_is_told_what_is_wrong,
        the_sdk_sees_the_same_run,
        a_registered_model_is_one_of_the_workspace,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)


RUNS: list[dict[str, Any]] = [
    {"info": {"run_id": name, "start_time": start}, "data": {"metrics": metrics, "params": [], "tags": tags}}
    for name, start, metrics, tags in [
        ("a", 1, [{"key": "my loss", "value": 0.5}], [{"key": "kind", "value": "Tree"}]),
        ("b", 2, [{"key": "my loss", "value": 0.1}], []),
        ("c", 3, [], [{"key": "kind", "value": "line"}]),
    ]
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abc"),
        ("metrics.`my loss` <= 0.5", "ab"),
        ("metrics.`my loss` < 0.5 and attributes.start_time > 1", "b"),
        ("tags.kind = 'line'", "c"),
        ("tags.kind LIKE 'T%'", "a"),
        ("tags.kind ilike 't_ee'", "a"),
        ("run_id IN ('a', 'c')", "ac"),
        ("run_id != 'a'", "bc"),
    ],
)
def test_conditions_of_a_search(query: str, expected: str) -> None:
    assert "".join(one["info"]["run_id"] for one in search_runs(RUNS, query, ["run_id"])) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([], "cba"),
        (["metrics.`my loss` ASC"], "bac"),
        (["metrics.`my loss` DESC"], "abc"),
        (["run_id"], "abc"),
    ],
)
def test_the_order_of_a_search(order: list[str], expected: str) -> None:
    assert "".join(one["info"]["run_id"] for one in search_runs(RUNS, "", order)) == expected


def test_a_condition_that_cannot_be_read() -> None:
    with pytest.raises(HttpError) as caught:
        search_runs(RUNS, "metrics.loss > 0 or 1", [])
    assert caught.value.message.startswith("Invalid clause(s) in filter string")


def test_models_are_no_prompts_and_versions_are_numbers() -> None:
    models: list[dict[str, Any]] = [
        {"name": "a", "tags": []},
        {"name": "b", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]},
    ]
    assert search_models("Model", models, "tags.`mlflow.prompt.is_prompt` != 'true'") == models[:1]
    versions: list[dict[str, Any]] = [
        {"name": "a", "version": str(number), "current_stage": "None"} for number in (2, 10)
    ]
    assert search_models("ModelVersion", versions, "name = 'a' and version_number > 9") == versions[1:]
