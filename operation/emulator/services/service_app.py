"""The folder of a web service, laid out as Azure lays out an image: source, models, entry script."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from operation.emulator.assets import models
from operation.emulator.history import artifacts
from operation.emulator.http import HttpError
from operation.emulator.jobs import execution_environment
from operation.emulator.paths import inside
from operation.emulator.service import Service
from operation.emulator.state import Document, State

LOG = "service.log"
MODELS = "azureml-models"
SERVER = "azureml-inference-server-http"
FRAMEWORK = "ScikitLearn"  # the one whose models are served without a script
_PREDICTS = '''"""Serves a scikit-learn model that came without a script."""

import json
import os
from pathlib import Path

import joblib

MODEL = None


def init():
    global MODEL
    files = [file for file in Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*") if file.is_file()]
    MODEL = joblib.load(files[0])


def run(data):
    return {"predict": MODEL.predict(json.loads(data)["data"]).tolist()}
'''


@dataclass(frozen=True)
class App:
    """What a service serves."""

    folder: Path
    script: Path
    models: Path
    python: Path
    variables: Mapping[str, str]


def prepared(service: Service, workspace: str, request: Document, folder: Path) -> App:
    """Write what the request names under `folder` and return what is to be served."""
    app = folder / "app"
    app.mkdir(parents=True)
    for asset in request.get("assets") or []:
        _write_asset(service, workspace, asset, app)
    placed = [_write_model(service, workspace, entry, app) for entry in request.get("modelIds") or []]
    environment = request.get("environment") or {}
    variables = {name: str(value) for name, value in (environment.get("environmentVariables") or {}).items()}
    script = Path(variables.get("AZUREML_ENTRY_SCRIPT") or _without_script(service, workspace, request, app))
    if not (app / script).is_file():
        raise HttpError(f"the entry script {script.as_posix()} is not in the source directory", "BadRequest")
    served = placed[0] if len(placed) == 1 else app / MODELS
    return App(app, script, served, _python(service, environment, folder / LOG), variables)


def _python(service: Service, environment: Document, log: Path) -> Path:
    """Return an interpreter that has what the environment asks for, and the scoring server."""
    python = environment.get("python") or {}
    dependencies = (python.get("condaDependencies") or {}).get("dependencies") or []
    packages = {"condaDependencies": {"dependencies": [*dependencies, {"pip": [SERVER]}]}}
    specification = {**environment, "python": {**python, **packages}}
    try:
        return execution_environment.interpreter(specification, service.folder / "environments", log)
    except execution_environment.BuildFailed as error:
        raise HttpError(str(error), error.kind) from error


def files_of(service: Service, workspace: str, prefix: str) -> dict[str, tuple[str, str, str]]:
    """Return the files behind a prefix of artifacts: relative path -> origin, container, path.

    Relative paths start with the last part of the prefix, as in a model's folder.
    """
    origin, container, path = prefix.split("/", 2)
    above = path.rstrip("/").rpartition("/")[0]
    start = len(above) + 1 if above else 0
    paths = artifacts.paths(service, workspace, origin, container)
    same = [entry for entry in paths if entry == path or entry.startswith(f"{path.rstrip('/')}/")]
    return {entry[start:]: (origin, container, entry) for entry in same}


def _write_asset(service: Service, workspace: str, asset: Document, app: Path) -> None:
    origin, container, path = asset["url"].removeprefix("aml://artifact/").split("/", 2)
    content = artifacts.read(service, workspace, origin, container, path)
    if content is None:
        raise HttpError(f"the file {asset['url']} was not uploaded", "AssetNotFound", 404)
    if asset.get("unpack"):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(app, filter="data")
    else:
        (app / Path(path).name).write_bytes(content)


def _write_model(service: Service, workspace: str, identity: str, app: Path) -> Path:
    state = service.state(workspace)
    model = models.model(state, identity)
    target = app / MODELS / str(model["name"]) / str(model["version"])
    for prefix in models.prefixes(state, identity):
        for relative, (origin, container, path) in files_of(service, workspace, prefix).items():
            file = inside(target, relative, "the model")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(artifacts.read(service, workspace, origin, container, path) or b"")
            if model["unpack"] and tarfile.is_tarfile(file):
                _unpack(file)
    return target


def _unpack(file: Path) -> None:
    with tarfile.open(file) as archive:
        archive.extractall(file.parent, filter="data")
    file.unlink()


def _without_script(service: Service, workspace: str, request: Document, app: Path) -> str:
    state: State = service.state(workspace)
    served = [models.model(state, identity) for identity in request.get("modelIds") or []]
    if len(served) != 1 or served[0]["framework"] != FRAMEWORK:
        names = ", ".join(f"{model['id']} ({model['framework']})" for model in served) or "none"
        message = f"Without an InferenceConfig one {FRAMEWORK} model can be served, not: {names}"
        raise HttpError(message, "BadRequest")
    (app / "predict.py").write_text(_PREDICTS, encoding="utf-8")
    return "predict.py"


def model_map(state: State, identities: list[str]) -> str:
    """Return which models are where, as the SDK looks for them in an image."""
    served = [models.model(state, identity) for identity in identities]
    return json.dumps({model["name"]: {"id": model["id"], "version": model["version"]} for model in served})
