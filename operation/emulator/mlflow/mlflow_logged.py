"""Models that MLflow's client logs with a run, before they are registered."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from operation.emulator.documents import shaped
from operation.emulator.history import artifacts, runs
from operation.emulator.history.runs import MISSING
from operation.emulator.http import Call, HttpError, known, route
from operation.emulator.mlflow.mlflow_experiments import API
from operation.emulator.mlflow.mlflow_runs import artifacts_uri, milliseconds
from operation.emulator.mlflow.mlflow_search import selected
from operation.emulator.state import Document, State, now

LOGGED = "mlflow-logged-models"
_OF_RUN = re.compile(r"/experiments/[^/]+/runs/(?P<run>[^/]+)/artifacts/(?P<path>.*)")


def place(state: State, source: str) -> tuple[str, str]:
    """Return the address of a source's artifacts, and where they are: ``origin/container/path``."""
    if source.startswith("models:/"):
        logged = state.get(LOGGED, source.removeprefix("models:/"))
        source = logged["info"]["artifact_uri"] if logged else source
    return source, _prefix(source)


def _prefix(source: str) -> str:
    """Return where the artifacts of a source are: ``origin/container/path``."""
    found = _OF_RUN.search(urlsplit(source).path)
    if found:
        return f"ExperimentRun/dcid.{found['run']}/{found['path']}".rstrip("/")
    if source.startswith("azureml://artifacts/"):
        return source.removeprefix("azureml://artifacts/")
    raise HttpError(f"source {source}: expected the artifacts of a run", "INVALID_PARAMETER_VALUE")


def _logged_model(one: Document) -> Document:
    return {"model": {"info": one["info"], "data": one["data"]}}


def _logged_made(call: Call) -> Document:
    wanted = call.asked
    identity = f"m-{uuid.uuid4().hex}"
    run = runs.known_run(call.state, wanted["source_run_id"])
    name, uri = wanted.get("name") or identity, artifacts_uri(call, run)
    ids = {"identity": identity, "experiment": wanted["experiment_id"], "run": run["runId"]}
    info = shaped("logged model", **ids, name=name, uri=uri, at=milliseconds(now()))
    info |= {field: wanted[field] for field in ("model_type", "tags") if wanted.get(field)}
    made = {"info": info, "data": {"params": wanted.get("params") or [], "metrics": []}}
    return _logged_model(call.state.put(LOGGED, identity, made))


def _logged(call: Call) -> Document:
    identity = call.path["model"]
    return known(call.state, LOGGED, identity, f"logged model {identity} does not exist", MISSING)


def _logged_changed(call: Call) -> Document:
    wanted = call.asked
    with call.state.change(LOGGED, _logged(call)["info"]["model_id"]) as kept:
        kept["info"]["status"] = wanted.get("status") or kept["info"]["status"]
        kept["info"]["tags"] += wanted.get("tags") or []
        kept["data"]["params"] += wanted.get("params") or []
        return _logged_model(kept)


def _logged_found(call: Call) -> Document:
    experiments = set(call.asked.get("experiment_ids") or [])
    every = [one for one in call.state.all(LOGGED) if one["info"]["experiment_id"] in experiments]
    found = selected(every, call.asked.get("filter") or "")
    return {"models": [_logged_model(one)["model"] for one in found]}


def _logged_files(call: Call) -> Document:
    prefix = _prefix(_logged(call)["info"]["artifact_uri"])
    origin, container, path = prefix.split("/", 2)
    every = artifacts.paths(call.service, call.workspace, origin, container)
    inside = [one.removeprefix(f"{path}/") for one in every if one.startswith(f"{path}/")]
    return {"files": [{"path": one, "is_dir": False} for one in inside], "root_uri": prefix}


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
