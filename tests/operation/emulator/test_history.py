"""Runs, experiments, metrics, artifacts and snapshots as the SDK sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CODE = """
import json, os
from azureml.core import Experiment, Run, Workspace
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlhistory", **place)
experiment = Experiment(workspace, "first")
os.makedirs("folder/below")
for name in ("folder/one.txt", "folder/below/two.txt"):
    open(name, "w").write(name)
run = experiment.start_logging(snapshot_directory="folder", display_name="shown")
run.log("loss", 0.5); run.log("loss", 0.25); run.log("note", "words"); run.log_list("some", [1, 2, 3])
run.log_row("row", a=1, b=2.5); run.log_table("table", {"x": [1, 2], "y": [3, 4]})
matrix = {"schema_type": "confusion_matrix", "schema_version": "v1",
          "data": {"class_labels": ["0", "1"], "matrix": [[1, 2], [3, 4]]}}
run.log_confusion_matrix("confusion", matrix)
run.set_tags({"kind": "plain", "odd": "it's \\"x y\\""}); run.add_properties({"origin": "test"})
run.upload_file("outputs/one.txt", "folder/one.txt"); run.upload_folder("outputs/all", "folder")
child = run.child_run("child"); child.log("k", 1); child.complete()
run.complete()
failed = experiment.start_logging(snapshot_directory=None); failed.fail("because", "Mine")
canceled = experiment.start_logging(snapshot_directory=None); canceled.cancel()
run.download_file("outputs/one.txt", "down.txt"); run.download_files("outputs/all", "down")
names = {run.id: "run", child.id: "child", failed.id: "failed", canceled.id: "canceled"}
def called(found): return [names[one.id] for one in found]
def having(**what): return called(Run.list(experiment, **what))
found = {
    "metrics": {name: value for name, value in run.get_metrics().items() if name != "confusion"},
    "recursive": sorted(run.get_metrics(name="k", recursive=True).values(), key=str),
    "confusion": run.get_metrics("confusion")["confusion"].endswith("confusion"),
    "files": run.get_file_names(), "down": open("down.txt").read(),
    "all": sorted(os.listdir("down/outputs/all")), "tags": run.get_tags(), "name": run.display_name,
    "status": [one.get_status() for one in (run, failed, canceled)],
    "error": failed.get_details()["error"]["error"]["message"],
    "children": called(run.get_children()), "parent": names[child.parent.id],
    "list": called(experiment.get_runs()), "with children": having(include_children=True),
    "tagged": having(tags={"kind": "plain"}), "untagged": having(tags="no"),
    "quoted": having(properties={"origin": "test"}),
    "failed": having(status="Failed"), "got": names[Run.get(workspace, run.id).id],
    "experiments": [one.name for one in Experiment.list(workspace)],
    "portal": run.get_portal_url().split("?")[0].endswith("/runs/" + run.id),
}
archive = run.restore_snapshot(path=".")
import zipfile
found["snapshot"] = sorted(zipfile.ZipFile(archive).namelist())
experiment.archive()
def seen(kind): return [one.name for one in Experiment.list(workspace, view_type=kind)]
found["archived"] = [seen("ActiveOnly"), seen("ArchivedOnly")]
try:
    Run.get(workspace, "nothing")
except Exception as error:
    found["missing"] = error.message
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK finds of what it wrote."""
    return answered(CODE)


def test_metrics_come_back_in_the_shapes_they_were_logged_in(found: dict[str, Any]) -> None:
    assert found["metrics"] == {
        "loss": [0.5, 0.25],
        "note": "words",
        "some": [1, 2, 3],
        "row": {"a": 1, "b": 2.5},
        "table": {"x": [1, 2], "y": [3, 4]},
    }
    assert found["confusion"]


def test_files_and_folders_come_back(found: dict[str, Any]) -> None:
    assert found["down"] == "folder/one.txt"
    assert found["all"] == ["below", "one.txt"]
    assert [name for name in found["files"] if name.startswith("outputs")] == [
        "outputs/all/below/two.txt",
        "outputs/all/one.txt",
        "outputs/one.txt",
    ]


def test_the_snapshot_holds_the_folder(found: dict[str, Any]) -> None:
    assert found["snapshot"] == ["below/two.txt", "one.txt"]


def test_runs_end_as_they_were_told_to(found: dict[str, Any]) -> None:
    assert found["status"] == ["Completed", "Failed", "Canceled"]
    assert found["error"] == "because"
    assert found["name"] == "shown"


def test_runs_are_found_by_tag_property_status_and_parent(found: dict[str, Any]) -> None:
    assert found["list"] == ["canceled", "failed", "run"]
    assert found["with children"] == ["canceled", "failed", "child", "run"]
    assert found["tagged"] == found["quoted"] == ["run"]
    assert found["untagged"] == []
    assert found["failed"] == ["failed"]
    assert found["children"] == ["child"]
    assert (found["parent"], found["got"]) == ("run", "run")
    assert found["portal"]


def test_experiments_are_listed_and_archived(found: dict[str, Any]) -> None:
    assert found["experiments"] == ["first"]
    assert found["archived"] == [[], ["first"]]


def test_a_missing_run_is_named(found: dict[str, Any]) -> None:
    assert "Run nothing was not found" in found["missing"]
