"""Secrets, environments, compute and models, as the SDK asks for them: one child process for all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PREPARE = """
import json, os, sys
from azureml.core import Workspace
from azureml.exceptions import ComputeTargetException, UserErrorException, WebserviceException
workspace = Workspace.get(
    "amlassets", subscription_id="11111111-1111-1111-1111-111111111111", resource_group="rg-assets"
)
found = {}
def refused(ask):
    try:
        ask()
    except Exception as error:
        return f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
"""

SECRETS = """
vault = workspace.get_default_keyvault()
vault.set_secret("storage-key", "canary-1", )
vault.set_secrets({"one": "canary-2", "two": "canary-3"})
found["secret"] = vault.get_secret("storage-key")
found["secrets"] = vault.get_secrets(["one", "absent"])
vault.delete_secret("two")
found["names"] = [one["name"] for one in vault.list_secrets()]
found["absent secret"] = refused(lambda: vault.get_secret("absent"))
found["bad secret"] = refused(lambda: vault.set_secret("under_score", "x"))

from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
login = os.environ["ARM_CLOUD_METADATA_URL"].removesuffix("/metadata/endpoints")
principal = [os.environ["AZUREML_SERVICE_PRINCIPAL_" + what] for what in ("TENANT_ID", "ID", "PASSWORD")]
address = "https://kvassets.vault.core.emulator.test"
client = SecretClient(address, ClientSecretCredential(*principal, authority=login))
found["by its own library"] = client.get_secret("storage-key").value
client.set_secret("three", "canary-4")
found["set by it"] = vault.get_secret("three")
found["listed by it"] = [one.name for one in client.list_properties_of_secrets()]
client.begin_delete_secret("three")
found["deleted by it"] = refused(lambda: client.get_secret("three")).partition(":")[0]
"""

ENVIRONMENTS = """
from azureml.core import Environment
training = Environment.from_conda_specification("training", sys.argv[1])
first, again = training.register(workspace), training.register(workspace)
training.python.conda_dependencies.add_pip_package("one-more")
second = training.register(workspace)
found["versions"] = [first.version, again.version, second.version]
found["newest"] = Environment.get(workspace, "training").version
dependencies = Environment.get(workspace, "training", "1").python.conda_dependencies
found["packages"] = sorted(dependencies.pip_packages)
Environment.label(workspace, "training", "1", ["approved"])
found["labelled"] = Environment.get(workspace, "training", label="approved").version
found["environments"] = list(Environment.list(workspace))
found["absent version"] = refused(lambda: Environment.get(workspace, "training", "7"))
found["curated"] = Environment.get(workspace, "AzureML-any-name").python.user_managed_dependencies
found["taken name"] = refused(lambda: Environment("AzureML-mine").register(workspace))
found["built"] = training.build(workspace).wait_for_completion(show_output=False).status
"""

COMPUTE = """
from azureml.core.compute import AksCompute, AmlCompute, ComputeInstance, ComputeTarget
from azureml.core.compute import HDInsightCompute, RemoteCompute
wanted = AmlCompute.provisioning_configuration(
    "Standard_DS3_v2", min_nodes=1, max_nodes=4, admin_username="me", admin_user_password="Canary-5!"
)
cluster = ComputeTarget.create(workspace, "cluster", wanted)
cluster.wait_for_completion()
status = cluster.get_status()
found["cluster"] = [status.provisioning_state, status.vm_size, status.current_node_count]
found["nodes"] = len(cluster.list_nodes())
cluster.update(min_nodes=0, max_nodes=8)
scale = AmlCompute(workspace, "cluster").scale_settings
found["updated"] = [scale.minimum_node_count, scale.maximum_node_count]
cluster.add_identity("SystemAssigned")
found["identity"] = AmlCompute(workspace, "cluster").identity_type
machines = "/subscriptions/s/resourceGroups/g/providers"
for name, kind, where in (
    ("machine", RemoteCompute, "Microsoft.Compute/virtualMachines/machine"),
    ("spark", HDInsightCompute, "Microsoft.HDInsight/clusters/spark"),
):
    place = kind.attach_configuration(
        resource_id=f"{machines}/{where}", ssh_port=22, username="me", password="Canary-6!"
    )
    attached = ComputeTarget.attach(workspace, name, place)
    attached.wait_for_completion()
found["attached"] = [attached.type, attached.get_status(), attached.cluster_resource_id.rpartition("/")[2]]
found["credentials"] = attached.get_credentials()["administratorAccount"]["password"]
instance = ComputeTarget.create(
    workspace, "instance", ComputeInstance.provisioning_configuration("Standard_DS3_v2")
)
instance.wait_for_completion()
found["instance"] = instance.get_status().state
ComputeTarget.create(workspace, "service", AksCompute.provisioning_configuration()).wait_for_completion()
found["targets"] = {name: one.type for name, one in workspace.compute_targets.items()}
RemoteCompute(workspace, "machine").detach()
cluster.delete()
cluster.wait_for_completion(is_delete_operation=True)
found["left"] = list(workspace.compute_targets)
found["absent target"] = refused(lambda: ComputeTarget(workspace, "cluster"))
found["bad size"] = refused(
    lambda: ComputeTarget.create(workspace, "x", ComputeInstance.provisioning_configuration("Standard_Z1"))
)
"""

MODELS = """
from azureml.core import Experiment, Model
os.makedirs("model/deep", exist_ok=True)
open("model/model.bin", "w").write("weights")
open("model/deep/more.bin", "w").write("more")
said = {"tags": {"key": "abc", "roc_auc": "0.7"}, "properties": {"digest": "d1"}}
Model.register(workspace, "model", "flights", **said, description="first")
model = Model.register(workspace, "model", "flights", tags={"key": "def"})
Model.register(workspace, "model/model.bin", "other")
names = lambda models: [one.id for one in models]
found["models"] = names(Model.list(workspace))
found["latest"] = names(Model.list(workspace, latest=True))
found["tagged"] = names(Model.list(workspace, tags=[["key", "abc"]], properties=["digest"]))
found["newest model"] = Model(workspace, "flights").id
found["first"] = [Model(workspace, "flights", version=1).tags, Model(workspace, id="flights:1").properties]
found["downloaded"] = model.download("brought")
found["files"] = sorted(one for _, _, files in os.walk("brought") for one in files)
model.add_tags({"stage": "PROD"})
model.add_properties({"by": "me"})
model.update(description="second")
changed = Model(workspace, "flights")
found["changed"] = [changed.tags, changed.properties, changed.description]
run = Experiment(workspace, "trained").start_logging(snapshot_directory=None)
run.upload_folder("outputs/model", "model")
found["of a run"] = run.register_model("from-run", "outputs/model").run_id == run.id
run.complete()
found["by run"] = names(Model.list(workspace, run_id=run.id))
model.delete()
found["deleted"] = Model(workspace, "flights").id
Model.register(workspace, "model", "flights")
found["not given again"] = Model(workspace, "flights").id
found["absent model"] = refused(lambda: Model(workspace, "flights", version=9))
"""


@pytest.fixture(scope="module")
def found(run_with_emulator: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Let the SDK do all of it once, and return what it said."""
    folder, root = tmp_path_factory.mktemp("assets"), Path(__file__).parents[3]
    training = root / "configuration" / "environments" / "training.yml"
    code = (
        f"import sys; sys.argv = ['', {str(training)!r}]\n{PREPARE}{SECRETS}{ENVIRONMENTS}{COMPUTE}{MODELS}"
    )
    told = run_with_emulator(f"{code}\nprint('\\n' + json.dumps(found))", folder)
    return dict(json.loads(told.splitlines()[-1]))


def test_secrets_are_kept_listed_by_name_and_deleted(found: dict[str, Any]) -> None:
    assert found["secret"] == "canary-1"
    assert found["secrets"] == {"one": "canary-2", "absent": None}
    assert found["names"] == ["one", "storage-key"]
    assert "A secret with (name/id) absent was not found in this key vault." in found["absent secret"]
    said = "'under_score' cannot name a secret: use 1 to 127 letters, digits and hyphens"
    assert said in found["bad secret"]


def test_the_vault_answers_its_own_library_too(found: dict[str, Any]) -> None:
    assert found["by its own library"] == "canary-1"
    assert found["set by it"] == "canary-4"
    assert found["listed by it"] == ["one", "storage-key", "three"]
    assert found["deleted by it"] == "ResourceNotFoundError"


def test_secrets_stand_in_files_of_their_own_alone(found: dict[str, Any], emulator_folder: Path) -> None:
    files = [file for file in emulator_folder.rglob("*") if file.is_file()]
    told = [file for file in files if b"anary-" in file.read_bytes()]
    places = {file.parent.relative_to(emulator_folder).as_posix() for file in told}
    assert places == {"vaults/kvassets", "workspaces/amlassets/credentials"}
    assert os.name == "nt" or all(file.stat().st_mode & 0o077 == 0 for file in told)


def test_an_environment_has_a_version_for_each_content(found: dict[str, Any]) -> None:
    assert found["versions"] == ["1", "1", "2"]
    assert found["newest"] == "2"
    assert "scikit-learn==1.9.1" in found["packages"]
    assert found["labelled"] == "1"
    assert found["environments"] == ["training"]
    assert "Environment training:7 not found: its versions are 1, 2" in found["absent version"]
    assert found["built"] == "Succeeded"


def test_names_of_azures_own_environments_are_there_and_taken(found: dict[str, Any]) -> None:
    assert found["curated"] is True
    assert "names that start with 'AzureML-' are Azure's own" in found["taken name"]


def test_a_cluster_is_created_changed_and_deleted(found: dict[str, Any]) -> None:
    assert found["cluster"] == ["Succeeded", "Standard_DS3_v2", 1]
    assert found["nodes"] == 1
    assert found["updated"] == [0, 8]
    assert found["identity"] == "SystemAssigned"
    assert "Compute Target with name cluster not found in provided workspace" in found["absent target"]


def test_machines_are_attached_and_detached(found: dict[str, Any]) -> None:
    assert found["attached"] == ["HDInsight", "Succeeded", "spark"]
    assert found["credentials"] == "Canary-6!"
    assert found["instance"] == "Running"
    assert found["targets"] == {
        "cluster": "AmlCompute",
        "machine": "VirtualMachine",
        "spark": "HDInsight",
        "instance": "ComputeInstance",
        "service": "AKS",
    }
    assert found["left"] == ["spark", "instance", "service"]
    assert "VmSize 'Standard_Z1' is not available in the specified region." in found["bad size"]


def test_models_have_versions_and_are_found_by_what_is_said_of_them(found: dict[str, Any]) -> None:
    assert found["models"] == ["other:1", "flights:2", "flights:1"]
    assert found["latest"] == ["other:1", "flights:2"]
    assert found["tagged"] == ["flights:1"]
    assert found["newest model"] == "flights:2"
    assert found["first"] == [{"key": "abc", "roc_auc": "0.7"}, {"digest": "d1"}]


def test_models_are_downloaded_changed_and_deleted(found: dict[str, Any]) -> None:
    assert Path(found["downloaded"]) == Path("brought/model")
    assert found["files"] == ["model.bin", "more.bin"]
    assert found["changed"] == [{"key": "def", "stage": "PROD"}, {"by": "me"}, "second"]
    assert found["of a run"] is True
    assert found["by run"] == ["from-run:1"]
    assert found["deleted"] == "flights:1"
    assert found["not given again"] == "flights:3"
    assert "ModelNotFound: Model with id flights:9 not found" in found["absent model"]
