"""Three ways of data through the real SDK: in each the Core Script reads the same table from a path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operation.execution import datasets
from tests.azurite import ACCOUNT

ROOT = Path(__file__).parents[3]
CODE = """
import json, os, sys
sys.modules["azure.ai.ml"] = None
sys.path[:0] = [ROOT, ROOT + "/src"]
from pathlib import Path
import ingest, utils
from operation.engine.foundation.errors import WorkbenchError
from operation.execution import datasets
found = {}
def refused(ask):
    try:
        ask()
    except (utils.StepError, WorkbenchError) as error:
        return str(error)
workspace = utils.workspace(name="amlways", group="rg-ways")
where = ["--workspace", "rg-ways/amlways"]
os.makedirs("parts")
Path("parts/1.csv").write_text("a,b\\n1,x\\n2,y\\n")
Path("parts/2.csv").write_text("a,b\\n3,z\\n")
ingest.main(["--data", "parts", "--table", "local"])
want = Path("local/table.parquet").read_bytes()
def same(*words):
    ingest.main([*words, "--table", "elsewhere"])
    return Path("elsewhere/table.parquet").read_bytes() == want

published = datasets.publish(workspace, "flights", Path("parts"), "of the test")
found["again"] = datasets.publish(workspace, "flights", Path("parts")).version
found["first way"] = same("--remote", datasets.source(published), *where)
digest = published.tags["sha256"]
found["digest"] = same("--remote", datasets.source(published), "--remote-digest", digest, *where)
consumed = datasets.as_input(datasets.dataset(workspace, "flights"), "the-table", "download")
found["second way"] = [consumed.name, consumed.mode]
store = workspace.get_default_datastore()
store.upload("parts", target_path="in/parts", show_progress=False)
store.upload("parts", target_path="in/parts-other", show_progress=False)
found["datastore"] = same("--remote", f"datastore:{store.name}/in/parts", *where)
words = datasets.share_credential(workspace, "storage", CONNECTION)
from azure.storage.blob import BlobServiceClient
with BlobServiceClient.from_connection_string(CONNECTION) as client:
    container = client.create_container("ways")
    for file in Path("parts").iterdir():
        container.upload_blob(f"parts/{file.name}", file.read_bytes())
found["third way"] = same("--remote", f"blob:{ACCOUNT}/ways/parts", *words, *where)

Path("parts/2.csv").write_text("a,b\\n4,z\\n")
found["changed"] = datasets.publish(workspace, "flights", Path("parts")).version
found["table"] = datasets.as_input(published, "x").mode
found["absent"] = refused(lambda: datasets.dataset(workspace, "flight"))
found["absent version"] = refused(lambda: datasets.dataset(workspace, "flights", 9))
found["nothing"] = refused(lambda: datasets.publish(workspace, "flights", Path("nowhere")))
found["core"] = refused(lambda: same("--remote", "dataset:flights:9", *where))
found["secret"] = refused(
    lambda: same("--remote", f"blob:{ACCOUNT}/ways/parts", "--credential-secret", "none", *where)
)
from azureml.core import Dataset
unregistered = Dataset.File.from_files((store, "in/parts"), validate=False)
found["no name"] = refused(lambda: datasets.source(unregistered))
"""


@pytest.fixture(scope="module")
def found(
    run_with_emulator: Callable[..., str], azurite: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Let the SDK do all of it once, and return what came of it."""
    names = {"ROOT": str(ROOT), "CONNECTION": azurite, "ACCOUNT": ACCOUNT}
    given = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    folder = tmp_path_factory.mktemp("ways")
    code = f"{given}\n{CODE}\nprint('\\n' + json.dumps(found))"
    told = run_with_emulator(code, folder, WORKBENCH_RUNS=str(folder / "runs"))
    return dict(json.loads(told.splitlines()[-1]))


def test_a_core_script_opens_a_dataset_or_datastore_itself(found: dict[str, Any]) -> None:
    assert found["first way"] is True
    assert found["digest"] is True
    assert found["datastore"] is True


def test_a_job_is_given_a_dataset(found: dict[str, Any]) -> None:
    assert found["second way"] == ["the_table", "download"]
    assert found["table"] == "mount"


def test_a_core_script_reads_blobs_with_a_credential_of_the_key_vault(found: dict[str, Any]) -> None:
    assert found["third way"] is True
    assert found["secret"] == "--credential-secret: the workspace's key vault has no secret 'none'"


def test_a_dataset_has_a_version_for_each_content(found: dict[str, Any]) -> None:
    assert (found["again"], found["changed"]) == (1, 2)


def test_what_is_not_there_is_said(found: dict[str, Any]) -> None:
    assert found["absent"] == "workspace amlways has no dataset 'flight'. Did you mean 'flights'?"
    assert found["absent version"] == "workspace amlways has no dataset 'flights:9'."
    assert (
        found["nothing"] == "nowhere does not exist: name a file or folder to publish as dataset 'flights'."
    )
    assert found["core"] == (
        '--remote dataset:flights:9: Cannot find dataset registered with name "flights" (version: 9) '
        "in the workspace."
    )
    said = "this dataset has no name to open it by. Register it first."
    assert found["no name"] == said


def test_one_file_has_the_digest_of_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.csv").write_bytes(b"a\n1\n")
    digests = {datasets.content_digest(tmp_path / "in"), datasets.content_digest(tmp_path / "in" / "one.csv")}
    assert digests == {"309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc"}
