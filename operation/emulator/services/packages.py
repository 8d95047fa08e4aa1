"""Packages of models: the build context of an image, with its Dockerfile."""

import base64
import json
from pathlib import PurePosixPath
from typing import Any

from operation.emulator.assets import models
from operation.emulator.history import blobs
from operation.emulator.hosts import storage_account
from operation.emulator.http import Call, Reply, route
from operation.emulator.services.operations import MANAGEMENT, accepted, ended, failure, opened
from operation.emulator.services.service_app import MODELS, model_map
from operation.emulator.state import Document

APP = "azureml-app"
_ROOT = f"/var/{APP}"
_CONTAINER = "packages"
_BASE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
_NO_IMAGE = "the emulator builds no images: package with generate_dockerfile=True and build the saved context"


def _package(call: Call) -> Reply:
    package = call.json
    request, context = package["imageRequest"], package.get("packageType") == "DockerBuildContext"
    kind = "PackageDockerBuildContext" if context else "PackageDockerImage"
    operation = opened(call.state, kind, _kept(call, f"{kind}.log", b"the context was put together\n"))
    if context:
        manifest = json.dumps(_manifest(call, request)).encode()
        ended(call.state, operation["id"], resourceLocation=_kept(call, f"{operation['id']}.json", manifest))
    else:
        ended(call.state, operation["id"], failure(_NO_IMAGE, "NotSupported"))
    return accepted(call, operation["id"])


def _kept(call: Call, name: str, content: bytes) -> str:
    """Write a file and return an address from which it is read without a token."""
    account = storage_account(call.workspace)
    file = blobs.file(call.service, account, _CONTAINER, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return blobs.signed_url(call.service, account, _CONTAINER, name)


def _manifest(call: Call, request: Document) -> Document:
    environment = request.get("environment") or {}
    identities = request.get("modelIds") or []
    remote = [_source(asset) for asset in request.get("assets") or []]
    for identity in identities:
        remote += _model(call, identity)
    files = {
        "Dockerfile": dockerfile(environment, _served(call, identities)),
        "environment.yml": json.dumps(_conda(environment), indent=1),  # JSON is YAML
        f"{APP}/model_config_map.json": model_map(call.state, identities),
    }
    # remote entries first: they make the folder that the last file is in
    return {"context": [*remote, *(_inline(path, text) for path, text in files.items())], "environment": None}


def _source(asset: Document) -> Document:
    return {"entryType": "remote", "uri": asset["url"], "unpack": bool(asset.get("unpack")), "path": APP}


def _model(call: Call, identity: str) -> list[Document]:
    model = models.model(call.state, identity)
    folder = f"{APP}/{MODELS}/{model['name']}/{model['version']}"
    addresses = [f"aml://artifact/{prefix}" for prefix in models.prefixes(call.state, identity)]
    return [{"entryType": "remote", "uri": address, "unpack": False, "path": folder} for address in addresses]


def _inline(path: str, text: str) -> Document:
    content = base64.b64encode(text.encode()).decode()
    return {"entryType": "inline", "encoding": "base64", "content": content, "path": path}


def _served(call: Call, identities: list[str]) -> str:
    folder = PurePosixPath(_ROOT) / MODELS
    if len(identities) == 1:
        model = models.model(call.state, identities[0])
        folder = folder / str(model["name"]) / str(model["version"])
    return str(folder)


def _conda(environment: Document) -> Any:
    python = environment.get("python") or {}
    return python.get("condaDependencies") or {"dependencies": ["python=3.11", {"pip": ["azureml-defaults"]}]}


def dockerfile(environment: Document, models_folder: str) -> str:
    """Return the Dockerfile of an image that serves."""
    docker, python = environment.get("docker") or {}, environment.get("python") or {}
    variables = {"AZUREML_MODEL_DIR": models_folder, **(environment.get("environmentVariables") or {})}
    lines = [docker.get("baseDockerfile") or f"FROM {docker.get('baseImage') or _BASE}"]
    if not python.get("userManagedDependencies"):
        lines += [
            "COPY environment.yml /tmp/environment.yml",
            "RUN conda env create --prefix /azureml-envs/service --file /tmp/environment.yml",
            "ENV PATH=/azureml-envs/service/bin:$PATH",
        ]
    lines += [f"COPY {APP} {_ROOT}", f"WORKDIR {_ROOT}"]
    lines += [f"ENV {name}={json.dumps(str(value))}" for name, value in variables.items()]
    script = variables.get("AZUREML_ENTRY_SCRIPT", "main.py")
    command = ["azmlinfsrv", "--entry_script", f"{_ROOT}/{script}", "--port", "5001"]
    lines += ["EXPOSE 5001", f"CMD {json.dumps(command)}"]
    return "\n".join(lines) + "\n"


ROUTES = [route("POST", f"{MANAGEMENT}/packages", _package)]
