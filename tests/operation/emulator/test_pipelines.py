"""Graphs that the SDK submits are executed: in order, in parallel, reused, failed and cancelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

SOURCES = {
    "plain/make.py": """
import argparse, os
parser = argparse.ArgumentParser()
for name in ("alpha", "out", "ref", "data"):
    parser.add_argument("--" + name)
args = parser.parse_args()
print("alpha", args.alpha, os.environ["AML_PARAMETER_alpha"], sorted(os.listdir(args.data)))
os.makedirs(args.out)
with open(os.path.join(args.out, "made.txt"), "w") as file:
    file.write(args.alpha + open(os.path.join(args.ref, "word.txt")).read())
""",
    "plain/take.py": """
import argparse, os
parser = argparse.ArgumentParser()
for name in ("inp", "out", "fail"):
    parser.add_argument("--" + name)
args = parser.parse_args()
text = open(os.path.join(args.inp, "made.txt")).read()
if args.fail == "yes":
    raise ValueError("told to fail")
with open(os.path.join(args.out, "taken.txt"), "w") as file:
    file.write(text * 2)
""",
    "plain/last.py": """
import os, sys
print("last reads", open(os.path.join(sys.argv[1], "taken.txt")).read())
os.makedirs("outputs", exist_ok=True)
open("outputs/done.txt", "w").write("done")
""",
    "plain/meet.py": """
import os, sys, time
mine, other = (os.path.join(sys.argv[1], name) for name in sys.argv[2:4])
os.makedirs(os.path.dirname(mine), exist_ok=True)
open(mine, "w").close()
until = time.time() + 20
while not os.path.exists(other):
    if time.time() > until:
        sys.exit("the other step never ran beside this one")
    time.sleep(0.05)
""",
    "parallel/double.py": """
import argparse, os
from pathlib import Path
from helped import factor
parser = argparse.ArgumentParser()
parser.add_argument("--side")
args, _ = parser.parse_known_args()
def init():
    print("side", os.listdir(args.side))
def run(files):
    return [f"{Path(file).name} {int(Path(file).read_text()) * factor}" for file in files]
""",
    "parallel/helped.py": "factor = 2\n",
    "plain/slow.py": "import time\nprint('begun', flush=True)\ntime.sleep(60)\n",
    "logging/log.py": """
from azureml.core import Run
run = Run.get_context()
run.log("loss", 0.25)
print("parent", run.parent is not None)
""",
}
SUBMIT = """
import json, os, time
from azureml.core import Dataset, Environment, Experiment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.runconfig import RunConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import CommandStep, HyperDriveStep, ParallelRunConfig, ParallelRunStep
from azureml.pipeline.steps import PythonScriptStep
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlpipelines", **place)
size = AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=2)
cluster = ComputeTarget.create(workspace, "cpu", size)
store = workspace.get_default_datastore()
store.upload_files(["word.txt"], target_path="given", show_progress=False)
files = Dataset.File.from_files((store, "given"), validate=False)
config = RunConfiguration()
config.environment = Environment("here")
config.environment.python.user_managed_dependencies = True
shared = {"compute_target": cluster, "runconfig": config}
plain = {"source_directory": "plain", **shared}
experiment = Experiment(workspace, "graphs")
found = {}

def graph(fail="no"):
    made = PipelineData("made", datastore=store)
    taken = OutputFileDatasetConfig("taken", destination=(store, "taken/{run-id}"))
    given = DataReference(store, "given_ref", path_on_datastore="given")
    words = ["--alpha", PipelineParameter("alpha", "a"), "--out", made, "--ref", given]
    words += ["--data", files.as_named_input("given_data").as_mount()]
    first = PythonScriptStep("make.py", "make", words, inputs=[given], outputs=[made], **plain)
    words = ["--inp", made, "--out", taken, "--fail", fail]
    second = PythonScriptStep("take.py", "take", words, inputs=[made], **plain)
    third = PythonScriptStep("last.py", "last", [taken.as_input("taken_in")], **plain)
    return Pipeline(workspace, [third])

def told(run):
    steps = {}
    for step in run.get_children():
        error = (step.get_details().get("error") or {}).get("error") or {}
        seen = [step.get_status(), step.get_stdout_log(), step._is_reused, step.get_file_names()]
        steps[step.name] = [*seen, error.get("message")]
    return {"status": run.get_status(), "steps": steps}

first = experiment.submit(graph(), pipeline_parameters={"alpha": "b"})
first.wait_for_completion(show_output=True)
found["first"] = told(first)
made = first.find_step_run("make")[0].get_output_data("made")
made.download("fetched", show_progress=False)
found["made"] = open(os.path.join("fetched", made.path_on_datastore, "made.txt")).read()
again = experiment.submit(graph(), pipeline_parameters={"alpha": "b"})
again.wait_for_completion(show_output=False)
steps = {step.name: step for step in again.get_children()}
found["again"] = {name: step._reused_run_id for name, step in steps.items()}
found["again of"] = {step.name: step.id for step in first.get_children()}
found["again last"] = [steps["last"].get_stdout_log(), steps["last"].get_file_names()]
forced = experiment.submit(graph(), pipeline_parameters={"alpha": "b"}, regenerate_outputs=True)
forced.wait_for_completion(show_output=False)
found["forced"] = [forced.get_status(), [step._is_reused for step in forced.get_children()]]
failing = experiment.submit(graph("yes"))
try:
    failing.wait_for_completion(show_output=True)
except Exception as error:
    found["raised"] = str(error)
failing.wait_for_completion(show_output=False, raise_on_error=False)
found["failing"] = told(failing)
found["failing error"] = failing.get_details()["error"]["error"]["message"]
found["failing nodes"] = {
    node.name: failing._pipeline_run_provider.get_node_statuses(failing.id)[node.node_id].status_code
    for node in failing.get_graph().module_nodes
}

folder = os.path.abspath("meeting")
one = PythonScriptStep("meet.py", "one", [folder, "1", "2"], allow_reuse=False, **plain)
two = PythonScriptStep("meet.py", "two", [folder, "2", "1"], allow_reuse=False, **plain)
log = PythonScriptStep("log.py", "log", source_directory="logging", **shared)
command = CommandStep("echo first && echo second", name="command", **plain)
command.run_after(log)
beside = experiment.submit(Pipeline(workspace, [one, two, command]))
beside.wait_for_completion(show_output=False)
found["beside"] = told(beside)
found["metrics"] = beside.find_step_run("log")[0].get_metrics()

def parallel(name, threshold):
    limits = {"mini_batch_size": "1", "error_threshold": threshold, "run_max_try": 2, "node_count": 1}
    words = {"entry_script": "double.py", "source_directory": "parallel", "output_action": "append_row"}
    settings = ParallelRunConfig(environment=config.environment, compute_target=cluster, **words, **limits)
    given = DataReference(store, "given_ref", path_on_datastore="given")
    rows = PipelineData(name + "_rows", datastore=store)
    numbers = Dataset.File.from_files((store, "numbers"), validate=False).as_named_input("numbers")
    inputs = {"inputs": [numbers], "side_inputs": [given], "arguments": ["--side", given]}
    return ParallelRunStep(name=name, parallel_run_config=settings, output=rows, **inputs)

store.upload_files(["1.txt", "2.txt", "3.txt"], target_path="numbers", show_progress=False)
both = Pipeline(workspace, [parallel("tolerant", 1), parallel("strict", 0)])
spread = experiment.submit(both, continue_on_step_failure=True)  # strict cancels nothing
spread.wait_for_completion(show_output=False, raise_on_error=False)
found["spread"] = told(spread)
rows = spread.find_step_run("tolerant")[0].get_output_data("tolerant_rows")
rows.download("spread", show_progress=False)
found["rows"] = open(os.path.join("spread", rows.path_on_datastore, "parallel_run_step.txt")).read()

slow = PythonScriptStep("slow.py", "slow", allow_reuse=False, **plain)
later = PythonScriptStep("last.py", "later", **plain)
later.run_after(slow)
canceled = experiment.submit(Pipeline(workspace, [later]))
while not any("begun" in step.get_stdout_log() for step in canceled.get_children()):
    time.sleep(0.1)
canceled.cancel()
canceled.wait_for_completion(show_output=False)
found["canceled"] = told(canceled)
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the SDK sees of pipelines of every kind."""
    folder = tmp_path_factory.mktemp("pipelines")
    for name, text in SOURCES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    files = {"word.txt": "word", "1.txt": "1", "2.txt": "two", "3.txt": "3"}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    printed = run_with_emulator(SUBMIT, folder=folder)
    answers: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return {**answers, "printed": printed}


def steps_run_in_order_on_what_those_before_them_made(found: dict[str, Any]) -> None:
    first = found["first"]
    assert first["status"] == "Finished"
    assert {name: step[0] for name, step in first["steps"].items()} == dict.fromkeys(
        ("make", "take", "last"), "Finished"
    )
    assert first["steps"]["make"][1] == "alpha b b ['word.txt']\n"
    assert first["steps"]["last"][1] == "last reads bwordbword\n"
    assert "outputs/done.txt" in first["steps"]["last"][3]
    assert found["made"] == "bword"


def the_logs_of_steps_are_streamed(found: dict[str, Any]) -> None:
    # the SDK looks once a second, and not at a step that began and ended with the pipeline since it looked
    assert "StepRun(make) Execution Summary" in found["printed"]


def a_step_with_the_same_snapshot_arguments_and_inputs_is_reused_and_says_so(
    found: dict[str, Any],
) -> None:
    assert found["again"] == found["again of"]
    log, files = found["again last"]
    assert log == "last reads bwordbword\n"
    assert "outputs/done.txt" in files


def another_parameter_and_regenerate_outputs_execute_steps_anew(found: dict[str, Any]) -> None:
    assert found["forced"] == ["Finished", [False, False, False]]
    assert found["failing"]["steps"]["make"][2] is False


def a_step_that_fails_fails_the_run_with_its_error_and_stops_those_after_it(
    found: dict[str, Any],
) -> None:
    failing = found["failing"]
    assert failing["status"] == "Failed"
    assert sorted(failing["steps"]) == ["make", "take"]
    assert failing["steps"]["take"][4] == "User program failed with ValueError: told to fail"
    assert "User program failed with ValueError: told to fail" in found["raised"]
    message = "Pipeline has some failed steps. See child run or execution logs for more details."
    assert (
        found["failing error"] == f"{message} step 'take': User program failed with ValueError: told to fail"
    )
    assert found["failing nodes"] == {"make": "Finished", "take": "Failed", "last": "NotStarted"}


def independent_steps_run_at_the_same_time(found: dict[str, Any]) -> None:
    steps = found["beside"]["steps"]
    assert (steps["one"][0], steps["two"][0]) == ("Finished", "Finished")
    assert steps["command"][1] == "first\nsecond\n"


def metrics_of_a_step_are_there(found: dict[str, Any]) -> None:
    assert found["metrics"] == {"loss": 0.25}


def mini_batches_may_fail_as_far_as_the_error_threshold_says(found: dict[str, Any]) -> None:
    steps = found["spread"]["steps"]
    assert (steps["tolerant"][0], steps["strict"][0]) == ("Finished", "Failed")
    assert steps["tolerant"][1].count("side ['word.txt']") == 1
    assert steps["tolerant"][1].count("ValueError: invalid literal") == 2  # tried twice
    assert found["rows"] == "1.txt 2\n3.txt 6\n"
    limit = "1 of 3 files and 1 of 3 mini-batches failed, error_threshold is 0: the run is ended"
    assert limit in steps["strict"][4]


def a_cancelled_run_stops_its_step_and_starts_no_other(found: dict[str, Any]) -> None:
    assert found["canceled"]["status"] == "Canceled"
    assert {name: step[0] for name, step in found["canceled"]["steps"].items()} == {"slow": "Canceled"}


def test_graphs_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        steps_run_in_order_on_what_those_before_them_made,
        the_logs_of_steps_are_streamed,
        a_step_with_the_same_snapshot_arguments_and_inputs_is_reused_and_says_so,
        another_parameter_and_regenerate_outputs_execute_steps_anew,
        a_step_that_fails_fails_the_run_with_its_error_and_stops_those_after_it,
        independent_steps_run_at_the_same_time,
        metrics_of_a_step_are_there,
        mini_batches_may_fail_as_far_as_the_error_threshold_says,
        a_cancelled_run_stops_its_step_and_starts_no_other,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
