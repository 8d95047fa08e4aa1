"""Datastores and datasets: the SDK's native engine reads and writes the emulator; jobs find paths."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operation.emulator.assets import datasets
from operation.emulator.jobs import delivery
from operation.emulator.service import Service

PREPARE = """
import json, os, sys, logging
logging.getLogger("azureml.data._dataset_deprecation").setLevel(logging.ERROR)
sys.modules["azure.ai.ml"] = None
from azureml.core import Dataset, Datastore, Experiment, ScriptRunConfig, Environment, Workspace
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.core.compute import AmlCompute, ComputeTarget
principal = [os.environ["AZUREML_SERVICE_PRINCIPAL_" + what] for what in ("TENANT_ID", "ID", "PASSWORD")]
workspace = Workspace.get(
    "amldata",
    auth=ServicePrincipalAuthentication(*principal),
    subscription_id="11111111-1111-1111-1111-111111111111",
    resource_group="rg-data",
)
found = {}
def refused(ask):
    try:
        ask()
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
"""

DATASTORES = """
store = workspace.get_default_datastore()
found["default"] = [store.name, store.account_name]
os.makedirs("data/deep")
for name, text in {"1.csv": "a,b\\n1,x\\n", "2.csv": "a,b\\n2,y\\n", "deep/3.csv": "a,b\\n3,z\\n"}.items():
    open(f"data/{name}", "w").write(text)
store.upload("data", target_path="in", show_progress=False)
store.upload_files(["data/1.csv"], target_path="in-other", show_progress=False)
found["brought"] = store.download("brought", prefix="in/", show_progress=False)
found["files"] = sorted(one for _, _, files in os.walk("brought") for one in files)
register = lambda key="Y2FuYXJ5LTc=", **more: Datastore.register_azure_blob_container(
    workspace, "mine", "container", "account", account_key=key, **more
)
found["registered"] = [register().container_name, Datastore.get(workspace, "mine").account_key]
found["registered again"] = refused(register)
found["changed key"] = register("Y2FuYXJ5LTg=", overwrite=True).account_key
found["stores"] = sorted(workspace.datastores)
workspace.set_default_datastore("mine")
found["other default"] = workspace.get_default_datastore().name
workspace.set_default_datastore("workspaceblobstore")
Datastore.get(workspace, "mine").unregister()
found["absent store"] = refused(lambda: Datastore.get(workspace, "mine"))
"""

DATASETS = """
import pandas
files = Dataset.File.from_files((store, "in"))
found["paths"] = sorted(files.to_path())
found["downloaded"] = sorted(os.path.relpath(one, os.getcwd()) for one in files.download("engine"))
table = Dataset.Tabular.from_delimited_files((store, "in/*.csv"))
frame = table.to_pandas_dataframe()
found["table"] = [frame.to_dict("list"), [str(one) for one in frame.dtypes]]
pandas.DataFrame({"c": [1.5, 2.5]}).to_parquet("data/table.parquet")
Dataset.File.upload_directory("data", (store, "up"), overwrite=True, show_progress=False)
parquet = Dataset.Tabular.from_parquet_files((store, "up/table.parquet"))
found["parquet"] = parquet.to_pandas_dataframe().to_dict("list")
first = table.register(workspace, "numbers", tags={"by": "me"}, description="first")
found["taken"] = refused(lambda: parquet.register(workspace, "numbers"))
second = parquet.register(workspace, "numbers", create_new_version=True)
found["versions"] = [first.version, second.version]
found["newest"] = list(Dataset.get_by_name(workspace, "numbers").to_pandas_dataframe())
found["first"] = list(Dataset.get_by_name(workspace, "numbers", 1).take(1).to_pandas_dataframe())
found["by id"] = Dataset.get_by_id(workspace, second.id).version
second.add_tags({"more": "1"})
found["tags"] = Dataset.get_by_name(workspace, "numbers").tags
found["names"] = [one.name for one in workspace.datasets.registrations]
found["absent"] = refused(lambda: Dataset.get_by_name(workspace, "letters"))
found["absent version"] = refused(lambda: Dataset.get_by_name(workspace, "numbers", 9))
found["made"] = Dataset.Tabular.register_pandas_dataframe(
    frame, (store, "made"), "made", show_progress=False
).to_pandas_dataframe().equals(frame)
second.unregister_all_versions()
found["unregistered"] = [one.name for one in workspace.datasets.registrations]
"""

JOB = """
from azureml.data import OutputFileDatasetConfig
os.makedirs("src")
script = '''
import json, os, sys
from azureml.core import Run
run = Run.get_context()
folder, file, some, direct, out = sys.argv[1:]
told = {"folder": sorted(os.listdir(folder)), "file": [os.path.basename(file), os.path.isfile(file)]}
told["some"] = sorted(os.listdir(some))
told["same"] = run.input_datasets["folder"] == folder
told["table"] = run.input_datasets["direct"].to_pandas_dataframe().shape
told["secret"] = run.get_secret("of-the-job") == "hidden-9"
open(os.path.join(out, "written.csv"), "w").write("c,d" + chr(10) + "7,x")
open(os.path.join("outputs", "told.json"), "w").write(json.dumps(told))
'''
open("src/look.py", "w").write(script)
workspace.get_default_keyvault().set_secret("of-the-job", "hidden-9")
wanted = AmlCompute.provisioning_configuration("Standard_DS3_v2", max_nodes=1)
ComputeTarget.create(workspace, "cluster", wanted).wait_for_completion()
here = Environment("here")
here.python.user_managed_dependencies = True
result = OutputFileDatasetConfig(name="result", destination=(store, "results/{run-id}"))
arguments = [
    files.as_named_input("folder").as_mount(),
    Dataset.File.from_files((store, "in/1.csv")).as_named_input("file").as_download(),
    Dataset.File.from_files((store, "in/**/3.csv")).as_named_input("some").as_download("there"),
    table.as_named_input("direct"),
    result.register_on_complete("results").read_delimited_files(),
]
submitted = Experiment(workspace, "looking").submit(
    ScriptRunConfig("src", "look.py", arguments, compute_target="cluster", environment=here)
)
submitted.wait_for_completion(raise_on_error=False)
found["status"] = submitted.get_status()
assert found["status"] == "Completed", submitted.get_details()["error"]
submitted.download_file("outputs/told.json", "told.json")
found["told"] = json.load(open("told.json"))
found["result"] = Dataset.get_by_name(workspace, "results").to_pandas_dataframe().to_dict("list")
"""


@pytest.fixture(scope="module")
def found(run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Let the SDK do all of it once, and return what it said."""
    code = f"{PREPARE}{DATASTORES}{DATASETS}{JOB}\nprint('\\n' + json.dumps(found))"
    told = run_with_emulator(code, tmp_path_factory.mktemp("data"))
    return dict(json.loads(told.splitlines()[-1]))


def test_a_workspace_has_a_datastore_for_files(found: dict[str, Any]) -> None:
    assert found["default"] == ["workspaceblobstore", "sadata"]
    assert found["brought"] == 3
    assert found["files"] == ["1.csv", "2.csv", "3.csv"]


def test_datastores_are_registered_with_keys(found: dict[str, Any]) -> None:
    assert found["registered"] == ["container", "Y2FuYXJ5LTc="]
    assert "Another datastore with the same name already exists: mine" in found["registered again"]
    assert found["changed key"] == "Y2FuYXJ5LTg="
    assert found["other default"] == "mine"
    there = ["workspaceartifactstore", "workspaceblobstore", "workspacefilestore"]
    assert found["stores"] == ["mine", *there]
    said = (
        "Could not find datastore mine in the workspace; there is: workspacefilestore, workspaceartifactstore"
    )
    assert said in found["absent store"]


def test_no_key_stands_in_a_datastores_document(found: dict[str, Any], emulator_folder: Path) -> None:
    documents = list((emulator_folder / "workspaces" / "amldata" / "datastores").iterdir())
    assert documents
    assert not [one for one in documents if '"credential":' in one.read_text(encoding="utf-8")]


def test_the_native_engine_lists_and_downloads(found: dict[str, Any]) -> None:
    assert found["paths"] == ["/1.csv", "/2.csv", "/deep/3.csv"]
    assert [Path(one).as_posix() for one in found["downloaded"]] == [
        "engine/1.csv",
        "engine/2.csv",
        "engine/deep/3.csv",
    ]


def test_the_native_engine_reads_tables_and_writes(found: dict[str, Any]) -> None:
    assert found["table"] == [{"a": [1, 2], "b": ["x", "y"]}, ["int64", "object"]]
    assert found["parquet"] == {"c": [1.5, 2.5]}
    assert found["made"] is True


def test_datasets_have_versions(found: dict[str, Any]) -> None:
    assert 'There is already a dataset registered under name "numbers".' in found["taken"]
    assert found["versions"] == [1, 2]
    assert (found["newest"], found["first"], found["by id"]) == (["c"], ["a", "b"], 2)
    assert found["tags"] == {"by": "me", "more": "1"}
    assert found["names"] == ["numbers"]
    assert found["unregistered"] == ["made"]
    missing = (
        'UserErrorException: Cannot find dataset registered with name "{}" (version: {}) in the workspace.'
    )
    assert found["absent"] == missing.format("letters", None)
    assert found["absent version"] == missing.format("numbers", 9)


def test_a_job_finds_paths_a_table_and_a_secret(found: dict[str, Any]) -> None:
    assert found["status"] == "Completed"
    assert found["told"] == {
        "folder": ["1.csv", "2.csv", "deep"],
        "file": ["1.csv", True],
        "some": ["deep"],
        "same": True,
        "table": [2, 2],
        "secret": True,
    }


def test_what_a_job_wrote_is_a_table_when_it_is_done(found: dict[str, Any]) -> None:
    assert {name: [str(one) for one in found["result"][name]] for name in ("c", "d")} == {
        "c": ["7"],
        "d": ["x"],
    }


@pytest.mark.parametrize(("version", "expected"), [("1", "saved-1"), (None, "saved-2")])
def test_a_registered_dataset_that_a_pipeline_names_by_its_registration_is_found(
    tmp_path: Path, version: str | None, expected: str
) -> None:
    service = Service(tmp_path, "https://localhost", {})
    state = service.state("amldata")
    for number in ("saved-1", "saved-2"):
        state.put("saved-datasets", number, {"id": number, "datasetType": "tabular"})
        given = {"name": "numbers", "latest": {"savedDatasetId": number, "dataflow": "{}"}}
        registered = datasets.register(state, given, over=True)
    place = {"dataset": {"id": registered["datasetId"], "name": None, "version": version}}
    consumed = {"dataLocation": place, "mechanism": "direct"}
    assert delivery.deliver(service, state, "input", consumed, tmp_path / "data") == expected
