"""The workspace as MLflow's registry: models and their versions, the very ones of model management."""

from __future__ import annotations

import uuid

from operation.emulator.assets import models
from operation.emulator.history.runs import MISSING
from operation.emulator.http import Call, HttpError, known, route
from operation.emulator.mlflow.mlflow_experiments import API, by_name, missing, pairs
from operation.emulator.mlflow.mlflow_logged import place
from operation.emulator.mlflow.mlflow_runs import milliseconds
from operation.emulator.mlflow.mlflow_search import selected
from operation.emulator.state import Document, State, now

REGISTERED = "mlflow-registered-models"


def _registered(state: State, name: str) -> Document:
    kept, versions = state.get(REGISTERED, name), models.versions(state, name)
    if kept is None and not versions:
        raise missing(f"registered model {name}")
    facts = kept or {"tags": {}, "aliases": {}, "description": None, "created": versions[0]["createdTime"]}
    aliases = [{"alias": alias, "version": version} for alias, version in facts["aliases"].items()]
    return {
        "name": name,
        "description": facts["description"] or "",
        "creation_timestamp": milliseconds(facts["created"]),
        "last_updated_timestamp": milliseconds((versions[-1] if versions else facts).get("createdTime")),
        "latest_versions": [_shown(state, one) for one in versions[-1:]],
        "tags": pairs(facts["tags"]),
        "aliases": aliases,
    }


def _shown(state: State, one: Document) -> Document:
    kept = state.get(REGISTERED, one["name"]) or {"aliases": {}}
    version = str(one["version"])
    return {
        "name": one["name"],
        "version": version,
        "creation_timestamp": milliseconds(one["createdTime"]),
        "last_updated_timestamp": milliseconds(one["modifiedTime"]),
        "description": one["description"] or "",
        "current_stage": one.get("stage") or "None",
        "source": one.get("mlflowSource") or f"azureml://artifacts/{models.prefixes(state, one['id'])[0]}",
        "run_id": one["runId"] or "",
        "status": "READY",
        "tags": pairs(one["kvTags"]),
        "aliases": [alias for alias, of in kept["aliases"].items() if of == version],
    }


def _version(call: Call) -> Document:
    wanted = call.asked
    said = f"version {wanted['version']} of model {wanted['name']} does not exist"
    return known(call.state, "models", f"{wanted['name']}:{wanted['version']}", said, MISSING)


def _new(wanted: Document) -> Document:
    facts = {"tags": by_name(wanted.get("tags")), "description": wanted.get("description")}
    return {"name": wanted["name"], "aliases": {}, "created": now(), **facts}


def _model_made(call: Call) -> Document:
    wanted = call.asked
    with call.state.change(REGISTERED, wanted["name"]) as kept:
        if kept:
            raise HttpError(f"registered model {wanted['name']} exists", "RESOURCE_ALREADY_EXISTS")
        kept.update(_new(wanted))
    return {"registered_model": _registered(call.state, wanted["name"])}


def _model_shown(call: Call) -> Document:
    return {"registered_model": _registered(call.state, call.asked["name"])}


def _models(call: Call) -> Document:
    names = {one["name"] for kind in (REGISTERED, "models") for one in call.state.all(kind)}
    shown = [_registered(call.state, name) for name in sorted(names)]
    return {"registered_models": selected(shown, call.asked.get("filter") or "")}


def _version_made(call: Call) -> Document:
    """Register what a source holds: the artifacts of a run, or of a model that was logged."""
    wanted = call.asked
    source, prefix = place(call.state, wanted["source"])
    identity = uuid.uuid4().hex
    part = {"id": None, "prefix": prefix}
    call.state.put("assets", identity, {"id": identity, "name": wanted["name"], "artifacts": [part]})
    tags = by_name(wanted.get("tags"))
    given = {"name": wanted["name"], "url": f"aml://asset/{identity}", "mimeType": "application/x-python"}
    given |= {"runId": wanted.get("run_id"), "kvTags": tags, "description": wanted.get("description")}
    made = models.registered(call.state, {**given, "framework": "MLflow", "unpack": False})
    with call.state.change("models", made["id"]) as kept:
        kept["mlflowSource"] = source
        return {"model_version": _shown(call.state, kept)}


def _version_shown(call: Call) -> Document:
    return {"model_version": _shown(call.state, _version(call))}


def _found(call: Call) -> Document:
    shown = [_shown(call.state, one) for one in call.state.all("models")][::-1]
    return {"model_versions": selected(shown, call.asked.get("filter") or "")}


def _newest(call: Call) -> Document:
    versions = models.versions(call.state, call.asked["name"])
    stages = call.asked.get("stages") or [one.get("stage") or "None" for one in versions]
    newest = {one.get("stage") or "None": one for one in versions}
    return {
        "model_versions": [_shown(call.state, newest[one]) for one in dict.fromkeys(stages) if one in newest]
    }


def _version_changed(call: Call) -> Document:
    wanted = call.asked
    with call.state.change("models", _version(call)["id"]) as kept:
        kept["description"] = wanted.get("description") or kept["description"]
        kept["stage"] = wanted.get("stage") or kept.get("stage")
        if wanted.get("key"):
            kept["kvTags"][wanted["key"]] = kept["tags"][wanted["key"]] = wanted.get("value")
        kept["modifiedTime"] = now()
    return _version_shown(call)


def _source(call: Call) -> Document:
    return {"artifact_uri": _shown(call.state, _version(call))["source"]}


def _alias(call: Call) -> Document:
    wanted = call.asked
    _registered(call.state, wanted["name"])
    with call.state.change(REGISTERED, wanted["name"]) as kept:
        if not kept:
            kept.update(_new({"name": wanted["name"]}))
        if call.method == "DELETE":
            kept["aliases"].pop(wanted["alias"], None)
        elif call.method == "POST":
            kept["aliases"][wanted["alias"]] = str(_version(call)["version"])
        version = kept["aliases"].get(wanted["alias"])
    if call.method != "GET":
        return {}
    said = f"alias {wanted['alias']} of model {wanted['name']} does not exist"
    found = known(call.state, "models", f"{wanted['name']}:{version}", said, MISSING)
    return {"model_version": _shown(call.state, found)}


_MODELS, _VERSIONS = f"{API}/registered-models", f"{API}/model-versions"

ROUTES = [
    route("POST", f"{_MODELS}/create", _model_made),
    route("GET", f"{_MODELS}/get", _model_shown),
    route("GET", f"{_MODELS}/search", _models),
    route("GET POST", f"{_MODELS}/get-latest-versions", _newest),
    route("GET POST DELETE", f"{_MODELS}/alias", _alias),
    route("POST", f"{_VERSIONS}/create", _version_made),
    route("GET", f"{_VERSIONS}/get", _version_shown),
    route("GET", f"{_VERSIONS}/search", _found),
    route("GET", f"{_VERSIONS}/get-download-uri", _source),
    route("PATCH", f"{_VERSIONS}/update", _version_changed),
    route("POST", f"{_VERSIONS}/transition-stage", _version_changed),
    route("POST", f"{_VERSIONS}/set-tag", _version_changed),
]
