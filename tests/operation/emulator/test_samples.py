"""What public notebooks ask of the SDK, in our own words: tags, child runs, images, environments, outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

WRITE = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--source")
parser.add_argument("--target")
args = parser.parse_args()
text = open(os.path.join(args.source, "text.txt")).read() if args.source else "hello"
os.makedirs(args.target, exist_ok=True)
open(os.path.join(args.target, "text.txt"), "w").write(text.upper() if args.source else text)
print("wrote", text)
"""
CHILDREN = """
from azureml.core import Run
run = Run.get_context()
for number, child in enumerate(run.create_children(count=3)):
    child.log(name="number", value=number)
    child.complete()
if run.parent:
    run.parent.log("seen from below", 1)
"""
SAMPLES = """
import json
from azureml.core import Dataset, Datastore, Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.conda_dependencies import CondaDependencies
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep

place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlsamples", **place)
experiment, found = Experiment(workspace, "samples"), {}

with experiment.start_logging(snapshot_directory=None) as run:
    open("notes of mine.txt", "w").write("50 % off #1?")
    for name in ("notes of mine.txt", "Größe (1).txt"):
        run.upload_file(name, "notes of mine.txt")
    run.log_list("fibonacci", [1, 1, 2, 3])
    run.log_row("wave", angle=0.5, sine=0.25)
    run.log_table("table", {"x": [1, 2], "y": [3, 4]})
    with run.child_run() as child:
        child.log("depth", 1)
names = sorted(name for name in run.get_file_names() if not name.startswith("logs/"))
for name in names:
    run.download_file(name, "back/" + name)
found["files"] = {name: open("back/" + name).read() for name in names}
found["metrics"] = run.get_metrics()
found["child"] = [one.get_metrics() for one in run.get_children()]

run.add_properties({"author": "somebody"})
run.tag("quality", "good enough")
run.tag("worth another look")
try:
    run.add_properties({"author": "somebody else"})
except Exception as error:
    found["immutable"] = str(error)
wanted = {"properties": {"author": "somebody"}, "tags": "worth another look"}
found["by tag"] = [one.id == run.id for one in experiment.get_runs(**wanted)]
found["by value"] = [one.id == run.id for one in experiment.get_runs(tags={"quality": "good enough"})]
found["by another value"] = len(list(experiment.get_runs(tags={"quality": "bad"})))

packages = CondaDependencies.create(conda_packages=["scikit-learn"])  # with what the SDK adds to it
mine = Environment("mine")
mine.python.conda_dependencies = packages
mine.environment_variables = {"GREETING": "good day"}
parent = experiment.submit(ScriptRunConfig("source", "children.py", environment=mine))

machines = AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2)
target = ComputeTarget.create(workspace, "samplers", machines)
target.wait_for_completion()
given = {"source_directory": "source", "compute_target": target, "allow_reuse": False}
first, second = OutputFileDatasetConfig("first"), OutputFileDatasetConfig("second")
second = second.register_on_complete("shouted")
writing = PythonScriptStep("write.py", "write", ["--target", first], **given)
reading = PythonScriptStep("write.py", "read", ["--source", first.as_input(), "--target", second], **given)
last = PythonScriptStep("children.py", "last", **given)
last.run_after(reading)
graph = experiment.submit(Pipeline(workspace, [last, writing]))
graph.wait_for_completion(show_output=False, raise_on_error=False)
found["graph"] = [graph.get_status(), sorted([one.name, one.get_status()] for one in graph.get_children())]
dataset = Dataset.get_by_name(workspace, "shouted")
Datastore(workspace, "workspaceblobstore").download("here", prefix="dataset/", show_progress=False)
found["dataset"] = dataset.version
found["graph's metrics"] = graph.get_metrics()

parent.wait_for_completion(raise_on_error=False)
found["parent"] = [parent.get_status(), [one.get_metrics() for one in parent.get_children()][::-1]]
used = parent.get_environment()
found["environment"] = [used.name, used.version, used.environment_variables]
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what all of it gives, in one process."""
    return answered(SAMPLES, {"source/write.py": WRITE, "source/children.py": CHILDREN})


def a_file_keeps_its_name_and_its_bytes(found: dict[str, Any]) -> None:
    assert found["files"] == dict.fromkeys(["Größe (1).txt", "notes of mine.txt"], "50 % off #1?")


def every_kind_of_metric_comes_back(found: dict[str, Any]) -> None:
    assert found["metrics"] == {
        "fibonacci": [1, 1, 2, 3],
        "wave": {"angle": 0.5, "sine": 0.25},
        "table": {"x": [1, 2], "y": [3, 4]},
    }
    assert found["child"] == [{"depth": 1}]


def properties_are_immutable(found: dict[str, Any]) -> None:
    said = "Property author is 'somebody' and immutable: it cannot become 'somebody else'"
    assert said in found["immutable"]


def runs_are_found_by_tags_and_properties(found: dict[str, Any]) -> None:
    assert (found["by tag"], found["by value"], found["by another value"]) == ([True], [True], 0)


def a_script_makes_children_and_its_environment_is_known(found: dict[str, Any]) -> None:
    assert found["parent"] == ["Completed", [{"number": 0}, {"number": 1}, {"number": 2}]]
    assert found["environment"] == ["mine", "1", {"GREETING": "good day"}]


def an_output_without_a_place_is_taken_by_the_next_step_and_registered(found: dict[str, Any]) -> None:
    assert found["graph"] == [
        "Finished", [["last", "Finished"], ["read", "Finished"], ["write", "Finished"]]
    ]  # fmt: skip
    assert found["dataset"] == 1


def a_step_logs_to_its_pipeline(found: dict[str, Any]) -> None:
    assert found["graph's metrics"] == {"seen from below": 1}


def test_what_samples_ask_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_file_keeps_its_name_and_its_bytes,
        every_kind_of_metric_comes_back,
        properties_are_immutable,
        runs_are_found_by_tags_and_properties,
        a_script_makes_children_and_its_environment_is_known,
        an_output_without_a_place_is_taken_by_the_next_step_and_registered,
        a_step_logs_to_its_pipeline,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
