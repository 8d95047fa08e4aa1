"""What is submitted through the SDK is executed, and a failure says what failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import os, sys, time
how = sys.argv[sys.argv.index("--how") + 1]
print("it is", how, os.environ["COLOUR"], flush=True)
open("outputs/" + how + ".txt", "w").write("kept")
if how == "metrics":
    from azureml.core import Run
    run = Run.get_context()
    run.log("loss", 0.5); run.log("loss", 0.25); run.log_row("row", a=1)
    print(type(run).__name__, run.experiment.workspace.name)
elif how == "bug":
    import other
    other.divide(0)
elif how == "package":
    import nosuchpackage
elif how == "exit":
    print("error: the table has no rows", file=sys.stderr)
    sys.exit(1)
elif how == "killed":
    os.kill(os.getpid(), 9)
elif how in ("slow", "canceled"):
    print("begun", flush=True)
    time.sleep(60)
"""
SUBMIT = """
import json, sys, time
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.exceptions import AzureMLException
Run._WAIT_COMPLETION_POLLING_INTERVAL_MIN = Run._WAIT_COMPLETION_POLLING_INTERVAL_MAX = 0.1
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlexecution", **place)
ComputeTarget.create(workspace, "cpu", AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=2))
here = Environment("here")
here.python.user_managed_dependencies = True
def submit(how, target="cpu", seconds=None, environment=here):
    words, where = ["--how", how], {"compute_target": target, "environment": environment}
    config = ScriptRunConfig("source", "train.py", words, **where)
    config.run_config.environment_variables = {"COLOUR": "red"}
    config.run_config.max_run_duration_seconds = seconds
    return Experiment(workspace, "train").submit(config, tags={"how": how})
absent = Environment.from_pip_requirements("absent", "wanted.txt")
runs = {how: submit(how) for how in ("metrics", "bug", "package", "exit", "killed", "canceled")}
runs["slow"] = submit("slow", seconds=1)
runs["absent"] = submit("absent", environment=absent)
runs["local"] = submit("local", target="local")
try:
    submit("nowhere", target="no-such-cluster")
except AzureMLException as error:
    nowhere = error.message
while "begun" not in "".join(runs["canceled"].get_details_with_logs()["logFiles"].values()):
    time.sleep(0.1)
runs["canceled"].cancel()
found = {}
for how, run in runs.items():
    run.wait_for_completion(raise_on_error=False)
    details = run.get_details_with_logs()
    found[how] = {
        "status": details["status"], "error": (details.get("error") or {}).get("error"),
        "log": details["logFiles"].get("azureml-logs/70_driver_log.txt", ""), "files": run.get_file_names(),
        "metrics": run.get_metrics(), "tags": run.get_tags(), "logs": sorted(details["logFiles"]),
    }
found["nowhere"] = [nowhere, len(list(Experiment(workspace, "train").get_runs()))]
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK sees of a run of every kind; all of them in one process and at once."""
    files = {
        "source/train.py": SCRIPT,
        "source/other.py": "def divide(by):\n    return 1 / by\n",
        "wanted.txt": "no-such-package-of-the-workbench==1.0\n",
    }
    return answered(SUBMIT, files)


def message(run: dict[str, Any]) -> str:
    assert run["status"] == "Failed"
    return str(run["error"]["message"])


def test_a_script_leaves_log_metrics_outputs_and_tags(
    found: dict[str, Any],
) -> None:
    run = found["metrics"]
    assert run["status"] == "Completed", run
    assert run["log"] == "it is metrics red\n_SubmittedRun amlexecution\n"
    assert run["metrics"] == {"loss": [0.5, 0.25], "row": {"a": 1}}
    assert run["files"] == ["azureml-logs/70_driver_log.txt", "outputs/metrics.txt"]
    assert run["tags"]["how"] == "metrics"


def test_the_local_target_runs_where_the_sdk_is(found: dict[str, Any]) -> None:
    run = found["local"]
    assert run["status"] == "Completed", run
    assert run["log"] == "it is local red\n"
    assert "outputs/local.txt" in run["files"]


def test_a_bug_is_told_with_type_message_and_traceback(found: dict[str, Any]) -> None:
    assert message(found["bug"]) == "User program failed with ZeroDivisionError: division by zero"
    said = found["bug"]["error"]["messageParameters"]
    assert (said["type"], said["message"]) == ("ZeroDivisionError", "division by zero")
    assert said["traceback"].startswith('Traceback (most recent call last):\n  File "train.py", line 13')
    assert "other.divide(0)" in said["traceback"]
    assert "execution_script.py" not in said["traceback"]
    assert "ZeroDivisionError: division by zero" in found["bug"]["log"]
    assert "outputs/bug.txt" in found["bug"]["files"]  # what was written before is kept


def test_a_missing_package_is_named(found: dict[str, Any]) -> None:
    said = "User program failed with ModuleNotFoundError: No module named 'nosuchpackage'"
    assert message(found["package"]) == said


def test_an_exit_code_is_told_with_the_last_line(found: dict[str, Any]) -> None:
    said = "The user program ended with exit code 1. Its last line: error: the table has no rows"
    assert message(found["exit"]) == said


def test_a_killed_process_is_told_as_one(found: dict[str, Any]) -> None:
    said = "The user program was killed by SIGKILL, as happens when the machine runs out of memory."
    assert message(found["killed"]) == said


def test_a_run_that_takes_too_long_is_stopped(found: dict[str, Any]) -> None:
    assert message(found["slow"]) == "The run was stopped: it took longer than its limit of 1 s."


def test_a_canceled_run_is_stopped(found: dict[str, Any]) -> None:
    assert found["canceled"]["status"] == "Canceled"
    assert found["canceled"]["error"] is None


def test_an_environment_that_cannot_be_had_is_told_with_the_package(found: dict[str, Any]) -> None:
    said = message(found["absent"])
    assert said.startswith("the job's environment (no-such-package-of-the-workbench==1.0) cannot be had: ")
    assert found["absent"]["logs"] == ["azureml-logs/20_image_build_log.txt"]


def test_a_cluster_that_is_not_there_is_named_and_leaves_no_run(found: dict[str, Any]) -> None:
    said, runs = found["nowhere"]
    assert "Unknown compute target 'no-such-cluster'; the workspace has: cpu" in said
    assert runs == len(found) - 1


def test_a_job_has_a_folder_that_can_be_looked_at(found: dict[str, Any], emulator_folder: Path) -> None:
    jobs = [json.loads(file.read_text(encoding="utf-8")) for file in emulator_folder.glob("jobs/*/job.json")]
    assert any("--how" in job["words"] for job in jobs)
    assert not [name for job in jobs for name in job["environment"] if "SERVICE_PRINCIPAL" in name]
