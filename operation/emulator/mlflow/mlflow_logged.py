"""Models that MLflow's client logs with a run, before they are registered."""

import re
import uuid
from urllib.parse import urlsplit

from operation.emulator.history import artifacts, runs
from operation.emulator.history.runs import MISSING
from operation.emulator.http import Call, HttpError, known, route
from operation.emulator.mlflow.mlflow_experiments import API, search_models
from operation.emulator.mlflow.mlflow_runs import artifacts_uri, milliseconds
from operation.emulator.state import Document, State, now, shaped

LOGGED = "mlflow-logged-models"
_OF_RUN = re.compile(r"/experiments/[^/]+/runs/(?P<run>[^/]+)/artifacts/(?P<path>.*)")


def locate(state: State, source: str) -> tuple[str, str]:
    """Return the address of a source's artifacts, and where they are: ``origin/container/path``."""
    if source.startswith("models:/"):
        logged = state.get(LOGGED, source.removeprefix("models:/"))
        source = logged["info"]["artifact_uri"] if logged else source
    return source, _prefix(source)


def _prefix(source: str) -> str:
    """Return where the artifacts of a source are: ``origin/container/path``."""
    match = _OF_RUN.search(urlsplit(source).path)
    if match:
        return f"ExperimentRun/dcid.{match['run']}/{match['path']}".rstrip("/")
    if source.startswith("azureml://artifacts/"):
        return source.removeprefix("azureml://artifacts/")
    raise HttpError(f"source {source}: expected the artifacts of a run", "INVALID_PARAMETER_VALUE")


def _logged_model(document: Document) -> Document:
    return {"model": {"info": document["info"], "data": document["data"]}}


def _logged_made(call: Call) -> Document:
    request = call.parameters
    identity = f"m-{uuid.uuid4().hex}"
    run = runs.known_run(call.state, request["source_run_id"])
    name, uri = request.get("name") or identity, artifacts_uri(call, run)
    ids = {"identity": identity, "experiment": request["experiment_id"], "run": run["runId"]}
    info = shaped("logged model", **ids, name=name, uri=uri, at=milliseconds(now()))
    info |= {field: request[field] for field in ("model_type", "tags") if request.get(field)}
    model = {"info": info, "data": {"params": request.get("params") or [], "metrics": []}}
    return _logged_model(call.state.put(LOGGED, identity, model))


def _logged(call: Call) -> Document:
    identity = call.path["model"]
    return known(call.state, LOGGED, identity, f"logged model {identity} does not exist", MISSING)


def _logged_changed(call: Call) -> Document:
    request = call.parameters
    with call.state.change(LOGGED, _logged(call)["info"]["model_id"]) as model:
        model["info"]["status"] = request.get("status") or model["info"]["status"]
        model["info"]["tags"] += request.get("tags") or []
        model["data"]["params"] += request.get("params") or []
        return _logged_model(model)


def _logged_found(call: Call) -> Document:
    experiments = set(call.parameters.get("experiment_ids") or [])
    candidates = [model for model in call.state.all(LOGGED) if model["info"]["experiment_id"] in experiments]
    matches = search_models("LoggedModels", candidates, call.parameters.get("filter") or "")
    return {"models": [_logged_model(document)["model"] for document in matches]}


def _logged_files(call: Call) -> Document:
    prefix = _prefix(_logged(call)["info"]["artifact_uri"])
    origin, container, path = prefix.split("/", 2)
    paths = artifacts.paths(call.service, call.workspace, origin, container)
    inside = [entry.removeprefix(f"{path}/") for entry in paths if entry.startswith(f"{path}/")]
    return {"files": [{"path": entry, "is_dir": False} for entry in inside], "root_uri": prefix}


_MODEL = f"{API}/logged-models/{{model}}"

ROUTES = [
    route("POST", f"{API}/logged-models", _logged_made),
    route("POST", f"{API}/logged-models/search", _logged_found),
    route("GET", _MODEL, lambda call: _logged_model(_logged(call))),
    route("PATCH", _MODEL, _logged_changed),
    route("PATCH", f"{_MODEL}/tags", _logged_changed),
    route("POST", f"{_MODEL}/params", _logged_changed),
    route("GET", f"{_MODEL}/artifacts/directories", _logged_files),
]
