"""The workspace as an MLflow server: experiments, the very ones of the history."""

from __future__ import annotations

from operation.rehearsal.history import runs
from operation.rehearsal.http import WORKSPACE, Call, Refused, route
from operation.rehearsal.state import Document, State

API = f"/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"


def asked(call: Call) -> Document:
    """Return what a call asks for, from its body or its query."""
    return {**call.query, **(call.json or {})}


def missing(what: str) -> Refused:
    """Return the error that MLflow's client knows for what is not there."""
    return Refused(404, "RESOURCE_DOES_NOT_EXIST", f"{what} does not exist")


def pairs(values: Document) -> list[Document]:
    """Return a mapping as MLflow lists it."""
    return [{"key": key, "value": "" if value is None else str(value)} for key, value in values.items()]


def experiment_by_id(state: State, identity: str) -> Document:
    """Return the experiment with that id.

    Raises
    ------
    Refused
        404, where there is none.
    """
    for one in state.all("experiments"):
        if one["experimentId"] == identity:
            return one
    raise missing(f"experiment {identity}")


def _experiment(one: Document) -> Document:
    return {
        "experiment_id": one["experimentId"],
        "name": one["name"],
        "artifact_location": "",
        "lifecycle_stage": "deleted" if one["archivedTime"] else "active",
        "tags": pairs(one["tags"]),
    }


def _experiment_named(call: Call) -> Document:
    name = asked(call)["experiment_name"]
    known = call.state.get("experiments", name)
    if known is None:
        raise missing(f"experiment {name}")
    return {"experiment": _experiment(known)}


def _experiment_shown(call: Call) -> Document:
    return {"experiment": _experiment(experiment_by_id(call.state, asked(call)["experiment_id"]))}


def _experiment_made(call: Call) -> Document:
    name = asked(call)["name"]
    if call.state.get("experiments", name):
        raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"experiment {name} exists")
    return {"experiment_id": runs.experiment(call.state, name)["experimentId"]}


def _experiment_tag(call: Call) -> Document:
    wanted = asked(call)
    name = experiment_by_id(call.state, wanted["experiment_id"])["name"]
    with call.state.change("experiments", name) as known:
        known["tags"][wanted["key"]] = wanted.get("value")
    return {}


def _experiments(call: Call) -> Document:
    found = [
        one for one in map(_experiment, call.state.all("experiments")) if one["lifecycle_stage"] == "active"
    ]
    return {"experiments": found[::-1]}


_EXPERIMENTS = f"{API}/experiments"

ROUTES = [
    route("GET", f"{_EXPERIMENTS}/get-by-name", _experiment_named),
    route("GET", f"{_EXPERIMENTS}/get", _experiment_shown),
    route("POST", f"{_EXPERIMENTS}/create", _experiment_made),
    route("POST", f"{_EXPERIMENTS}/set-experiment-tag", _experiment_tag),
    route("GET POST", f"{_EXPERIMENTS}/search", _experiments),
]
