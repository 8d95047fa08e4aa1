"""Models that MLflow's client logs with a run, before they are registered."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from operation.rehearsal.clock import now
from operation.rehearsal.history import artifacts
from operation.rehearsal.http import Call, Refused, route
from operation.rehearsal.mlflow.mlflow_experiments import API, asked, missing
from operation.rehearsal.mlflow.mlflow_runs import artifacts_uri, milliseconds, run_of
from operation.rehearsal.mlflow.mlflow_search import selected
from operation.rehearsal.state import Document, State

LOGGED = "mlflow-logged-models"
_OF_RUN = re.compile(r"/experiments/[^/]+/runs/(?P<run>[^/]+)/artifacts/(?P<path>.*)")


def place(state: State, source: str) -> tuple[str, str]:
    """Return the address of a source's artifacts, and where they are: ``origin/container/path``.

    Raises
    ------
    Refused
        400, for a source that is neither a logged model nor artifacts of a run.
    """
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
    said = f"source {source}: expected the artifacts of a run"
    raise Refused(400, "INVALID_PARAMETER_VALUE", said)


def _logged_model(one: Document) -> Document:
    return {"model": {"info": one["info"], "data": one["data"]}}


def _logged_made(call: Call) -> Document:
    wanted = asked(call)
    identity = f"m-{uuid.uuid4().hex}"
    run = run_of(call.state, wanted["source_run_id"])
    info = {
        "model_id": identity,
        "experiment_id": wanted["experiment_id"],
        "name": wanted.get("name") or identity,
        "creation_timestamp_ms": milliseconds(now()),
        "last_updated_timestamp_ms": milliseconds(now()),
        "artifact_uri": f"{artifacts_uri(call, run)}/{wanted.get('name') or identity}",
        "status": "LOGGED_MODEL_PENDING",
        "model_type": wanted.get("model_type") or "",
        "source_run_id": run["runId"],
        "tags": wanted.get("tags") or [],
        "registrations": [],
    }
    made = {"info": info, "data": {"params": wanted.get("params") or [], "metrics": []}}
    return _logged_model(call.state.put(LOGGED, identity, made))


def _logged(call: Call) -> Document:
    found = call.state.get(LOGGED, call.path["model"])
    if found is None:
        raise missing(f"logged model {call.path['model']}")
    return found


def _logged_shown(call: Call) -> Document:
    return _logged_model(_logged(call))


def _logged_changed(call: Call) -> Document:
    wanted = asked(call)
    with call.state.change(LOGGED, _logged(call)["info"]["model_id"]) as known:
        known["info"]["status"] = wanted.get("status") or known["info"]["status"]
        known["info"]["tags"] += wanted.get("tags") or []
        known["data"]["params"] += wanted.get("params") or []
        return _logged_model(known)


def _logged_found(call: Call) -> Document:
    experiments = set(asked(call).get("experiment_ids") or [])
    known = [one for one in call.state.all(LOGGED) if one["info"]["experiment_id"] in experiments]
    found = selected(known, asked(call).get("filter") or "")
    return {"models": [_logged_model(one)["model"] for one in found]}


def _logged_files(call: Call) -> Document:
    prefix = _prefix(_logged(call)["info"]["artifact_uri"])
    origin, container, path = prefix.split("/", 2)
    known = artifacts.paths(call.service, call.workspace, origin, container)
    inside = [one.removeprefix(f"{path}/") for one in known if one.startswith(f"{path}/")]
    return {"files": [{"path": one, "is_dir": False} for one in inside], "root_uri": prefix}


_MODEL = f"{API}/logged-models/{{model}}"

ROUTES = [
    route("POST", f"{API}/logged-models", _logged_made),
    route("POST", f"{API}/logged-models/search", _logged_found),
    route("GET", _MODEL, _logged_shown),
    route("PATCH", _MODEL, _logged_changed),
    route("PATCH", f"{_MODEL}/tags", _logged_changed),
    route("POST", f"{_MODEL}/params", _logged_changed),
    route("GET", f"{_MODEL}/artifacts/directories", _logged_files),
]
