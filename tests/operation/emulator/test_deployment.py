"""Web services answer those who have a key with what their script gives; packages can be built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SCORE = """
import json, os
from pathlib import Path
from companion import FACTOR

def init():
    global value
    value = float(Path(os.environ["AZUREML_MODEL_DIR"], "number.txt").read_text())
    print("the model says", value)

def run(data):
    rows = json.loads(data)["data"]
    if rows == "bad":
        raise ValueError("bad rows")
    return [FACTOR * value * row for row in rows]
"""
DEPLOY = """
import json, os, warnings
warnings.simplefilter("ignore")
import requests
from azureml.core import Environment, Model, Workspace
from azureml.core.compute import AksCompute, ComputeTarget
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, AksWebservice, Webservice
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amldeployment", **place)
model = Model.register(workspace, model_path="number.txt", model_name="number")
environment = Environment("serving")
environment.python.user_managed_dependencies = True
def inference(folder):
    return InferenceConfig(entry_script="score.py", source_directory=folder, environment=environment)
small = {"cpu_cores": 1, "memory_gb": 1}
found = {}

def unbuilt():
    absent = Environment.from_pip_requirements("absent", "wanted.txt")
    config = InferenceConfig(entry_script="score.py", source_directory="good", environment=absent)
    service = Model.deploy(workspace, "unbuilt", [model], config, AciWebservice.deploy_configuration(**small))
    said = refused(service.wait_for_deployment)
    log = service.get_logs()
    service.delete()
    return [service.state, "no-such-package" in said, "no-such-package" in log]

def deploy(name, folder, configuration, **more):
    return Model.deploy(workspace, name, [model], inference(folder), configuration, **more)

def refused(work):
    try:
        return str(work())
    except Exception as error:
        return str(error)

def posted(service, document, key=""):
    header = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return requests.post(service.scoring_uri, headers=header, json=document).status_code

open_service = AciWebservice.deploy_configuration(auth_enabled=True, tags={"stage": "test"}, **small)
keyed = deploy("keyed", "good", open_service)
broken = deploy("broken", "broken", AciWebservice.deploy_configuration(**small))
cluster = ComputeTarget.create(workspace, "kubernetes", AksCompute.provisioning_configuration())
large = deploy("large", "good", AksWebservice.deploy_configuration(**small), deployment_target=cluster)
keyed.wait_for_deployment(show_output=True)
found["keyed"] = [keyed.state, keyed.tags, keyed.auth_enabled, keyed.run(json.dumps({"data": [1, 2]}))]
first, second = keyed.get_keys()
rows = {"data": [1]}
found["statuses"] = [posted(keyed, rows), posted(keyed, rows, "wrong"), posted(keyed, rows, second)]
found["bad rows"] = posted(keyed, {"data": "bad"}, first)
header = {"Authorization": f"Bearer {first}"}
found["swagger"] = requests.get(keyed.swagger_uri, headers=header).json()["info"]
found["log"] = "the model says 3.0" in keyed.get_logs()
keyed.regen_key("Primary")
again = keyed.get_keys()
opened = [posted(keyed, rows, key) for key in (first, again[0])]
found["keys"] = [again[0] != first, again[1] == second, *opened]
keyed.update(auth_enabled=False, tags={"stage": "open"})
found["open"] = [keyed.tags, posted(keyed, rows)]
keyed.update(models=[model], inference_config=inference("better"))
keyed.wait_for_deployment()
found["better"] = keyed.run(json.dumps(rows))
found["taken"] = refused(lambda: deploy("keyed", "good", AciWebservice.deploy_configuration(**small)))
found["broken"] = refused(broken.wait_for_deployment)
found["broken log"] = [broken.state, "no model for you" in broken.get_logs(), posted(broken, rows)]
large.wait_for_deployment()
found["large"] = [large.state, large.compute_name, large.run(json.dumps(rows)), posted(large, rows)]
large.update(auth_enabled=False, token_auth_enabled=True)
found["token"] = [large.run(json.dumps(rows)), posted(large, rows), len(large.get_token())]
found["listed"] = sorted(one.name for one in Webservice.list(workspace, model_name="number"))
found["aci"] = sorted(one.name for one in Webservice.list(workspace, compute_type="ACI"))
found["unbuilt"] = unbuilt()
nowhere = AksWebservice.deploy_configuration(compute_target_name="nowhere", **small)
found["nowhere"] = refused(lambda: deploy("lost", "good", nowhere))
for service in (keyed, broken, large):
    service.delete()
found["deleted"] = [one.name for one in Webservice.list(workspace)]
found["gone"] = requests.post(keyed.scoring_uri, json=rows).json()["error"]["message"]

package = Model.package(workspace, [model], inference("good"), generate_dockerfile=True)
package.wait_for_creation(show_output=True)
package.save("context")
found["context"] = sorted(
    os.path.relpath(os.path.join(folder, file), "context").replace(os.sep, "/")
    for folder, _, files in os.walk("context") for file in files if not file.startswith("tmp")
)
found["dockerfile"] = open("context/Dockerfile").read()
found["image"] = refused(Model.package(workspace, [model], inference("good")).wait_for_creation)
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK and plain HTTP see of web services and packages."""
    broken = "def init():\n    raise RuntimeError('no model for you')\n\n\ndef run(data):\n    return data\n"
    files = {
        "number.txt": "3",
        "wanted.txt": "no-such-package-of-the-workbench==1.0\n",
        "broken/score.py": broken,
    }
    for name, factor in (("good", 2), ("better", 10)):
        files[f"{name}/score.py"] = SCORE
        files[f"{name}/companion.py"] = f"FACTOR = {factor}\n"
    return answered(DEPLOY, files)


def a_service_serves_the_script_with_its_model(found: dict[str, Any]) -> None:
    assert found["keyed"] == ["Healthy", {"stage": "test"}, True, [6.0, 12.0]]
    assert found["swagger"]["title"] == "ML service"
    assert found["log"] is True


def only_a_key_opens_it(found: dict[str, Any]) -> None:
    assert found["statuses"] == [401, 401, 200]
    assert found["keys"] == [True, True, 401, 200]
    assert found["open"] == [{"stage": "open"}, 200]


def an_error_of_the_script_is_the_scoring_servers_own_answer(found: dict[str, Any]) -> None:
    assert found["bad rows"] == 500


def an_update_serves_the_new_script(found: dict[str, Any]) -> None:
    assert found["better"] == [30.0]


def a_script_that_does_not_start_fails_the_service_and_says_why(found: dict[str, Any]) -> None:
    assert "the scoring server ended with code 3 before it answered" in found["broken"]
    assert found["broken log"] == ["Failed", True, 424]


def an_environment_that_cannot_be_had_fails_the_service(found: dict[str, Any]) -> None:
    assert found["unbuilt"] == ["Deleting", True, True]


def a_cluster_serves_too_with_keys_or_tokens(found: dict[str, Any]) -> None:
    assert found["large"] == ["Healthy", "kubernetes", [6.0], 401]
    assert found["token"] == [[6.0], 401, 2]
    assert "There is no AKS cluster" in found["nowhere"]


def services_are_listed_and_deleted(found: dict[str, Any]) -> None:
    assert "Service keyed already exists, please use a different service name" in found["taken"]
    assert found["listed"] == ["broken", "keyed", "large"]
    assert found["aci"] == ["broken", "keyed"]
    assert found["deleted"] == []
    assert found["gone"] == "there is no web service 'keyed'; there is: none"


def a_package_is_a_context_that_builds_the_image(found: dict[str, Any]) -> None:
    assert found["context"] == [
        "Dockerfile",
        "azureml-app/azureml-models/number/1/number.txt",
        "azureml-app/good/companion.py",
        "azureml-app/good/score.py",
        "azureml-app/model_config_map.json",
        "environment.yml",
    ]
    assert 'ENV AZUREML_MODEL_DIR="/var/azureml-app/azureml-models/number/1"' in found["dockerfile"]
    command = 'CMD ["azmlinfsrv", "--entry_script", "/var/azureml-app/good/score.py", "--port", "5001"]'
    assert command in found["dockerfile"]
    assert "the emulator builds no images: package with generate_dockerfile=True" in found["image"]


def test_services_and_packages_through_the_sdk(found: dict[str, Any], subtests: pytest.Subtests) -> None:
    # one test, so that what it looks at is made once, by one worker
    checks: list[Callable[[dict[str, Any]], None]] = [
        a_service_serves_the_script_with_its_model,
        only_a_key_opens_it,
        an_error_of_the_script_is_the_scoring_servers_own_answer,
        an_update_serves_the_new_script,
        a_script_that_does_not_start_fails_the_service_and_says_why,
        an_environment_that_cannot_be_had_fails_the_service,
        a_cluster_serves_too_with_keys_or_tokens,
        services_are_listed_and_deleted,
        a_package_is_a_context_that_builds_the_image,
    ]
    for check in checks:
        with subtests.test(check.__name__):
            check(found)
