"""The workspace as MLflow's registry: models and their versions, the very ones of model management."""

import uuid

from operation.emulator.assets import models
from operation.emulator.history.runs import MISSING
from operation.emulator.http import Call, HttpError, known, route
from operation.emulator.mlflow.mlflow_experiments import API, by_name, missing, pairs, search_models
from operation.emulator.mlflow.mlflow_logged import locate
from operation.emulator.mlflow.mlflow_runs import milliseconds
from operation.emulator.state import Document, State, now

REGISTERED = "mlflow-registered-models"


def _registered(state: State, name: str) -> Document:
    registration, versions = state.get(REGISTERED, name), models.versions(state, name)
    if registration is None and not versions:
        raise missing(f"registered model {name}")
    facts = registration or {
        "tags": {},
        "aliases": {},
        "description": None,
        "created": versions[0]["createdTime"],
    }
    aliases = [{"alias": alias, "version": version} for alias, version in facts["aliases"].items()]
    return {
        "name": name,
        "description": facts["description"] or "",
        "creation_timestamp": milliseconds(facts["created"]),
        "last_updated_timestamp": milliseconds((versions[-1] if versions else facts).get("createdTime")),
        "latest_versions": [_shown(state, model) for model in versions[-1:]],
        "tags": pairs(facts["tags"]),
        "aliases": aliases,
    }


def _shown(state: State, model: Document) -> Document:
    registration = state.get(REGISTERED, model["name"]) or {"aliases": {}}
    version = str(model["version"])
    return {
        "name": model["name"],
        "version": version,
        "creation_timestamp": milliseconds(model["createdTime"]),
        "last_updated_timestamp": milliseconds(model["modifiedTime"]),
        "description": model["description"] or "",
        "current_stage": model.get("stage") or "None",
        "source": model.get("mlflowSource")
        or f"azureml://artifacts/{models.prefixes(state, model['id'])[0]}",
        "run_id": model["runId"] or "",
        "status": "READY",
        "tags": pairs(model["kvTags"]),
        "aliases": [alias for alias, number in registration["aliases"].items() if number == version],
    }


def _version(call: Call) -> Document:
    request = call.parameters
    message = f"version {request['version']} of model {request['name']} does not exist"
    return known(call.state, "models", f"{request['name']}:{request['version']}", message, MISSING)


def _new(request: Document) -> Document:
    facts = {"tags": by_name(request.get("tags")), "description": request.get("description")}
    return {"name": request["name"], "aliases": {}, "created": now(), **facts}


def _model_made(call: Call) -> Document:
    request = call.parameters
    with call.state.change(REGISTERED, request["name"]) as registration:
        if registration:
            raise HttpError(f"registered model {request['name']} exists", "RESOURCE_ALREADY_EXISTS")
        registration.update(_new(request))
    return {"registered_model": _registered(call.state, request["name"])}


def _model_shown(call: Call) -> Document:
    return {"registered_model": _registered(call.state, call.parameters["name"])}


def _models(call: Call) -> Document:
    names = {entity["name"] for kind in (REGISTERED, "models") for entity in call.state.all(kind)}
    registered_models = [_registered(call.state, name) for name in sorted(names)]
    condition = call.parameters.get("filter") or ""
    return {"registered_models": search_models("Model", registered_models, condition)}


def _version_made(call: Call) -> Document:
    """Register what a source holds: the artifacts of a run, or of a model that was logged."""
    request = call.parameters
    source, prefix = locate(call.state, request["source"])
    identity = uuid.uuid4().hex
    part = {"id": None, "prefix": prefix}
    call.state.put("assets", identity, {"id": identity, "name": request["name"], "artifacts": [part]})
    tags = by_name(request.get("tags"))
    fields = {"name": request["name"], "url": f"aml://asset/{identity}", "mimeType": "application/x-python"}
    fields |= {"runId": request.get("run_id"), "kvTags": tags, "description": request.get("description")}
    model = models.register(call.state, {**fields, "framework": "MLflow", "unpack": False})
    with call.state.change("models", model["id"]) as stored:
        stored["mlflowSource"] = source
        return {"model_version": _shown(call.state, stored)}


def _version_shown(call: Call) -> Document:
    return {"model_version": _shown(call.state, _version(call))}


def _found(call: Call) -> Document:
    model_versions = [_shown(call.state, model) for model in call.state.all("models")][::-1]
    condition = call.parameters.get("filter") or ""
    return {"model_versions": search_models("ModelVersion", model_versions, condition)}


def _newest(call: Call) -> Document:
    versions = models.versions(call.state, call.parameters["name"])
    stages = call.parameters.get("stages") or [version.get("stage") or "None" for version in versions]
    newest = {version.get("stage") or "None": version for version in versions}
    return {
        "model_versions": [
            _shown(call.state, newest[stage]) for stage in dict.fromkeys(stages) if stage in newest
        ]
    }


def _version_changed(call: Call) -> Document:
    request = call.parameters
    with call.state.change("models", _version(call)["id"]) as model:
        model["description"] = request.get("description") or model["description"]
        model["stage"] = request.get("stage") or model.get("stage")
        if request.get("key"):
            model["kvTags"][request["key"]] = model["tags"][request["key"]] = request.get("value")
        model["modifiedTime"] = now()
    return _version_shown(call)


def _source(call: Call) -> Document:
    return {"artifact_uri": _shown(call.state, _version(call))["source"]}


def _alias(call: Call) -> Document:
    request = call.parameters
    _registered(call.state, request["name"])
    with call.state.change(REGISTERED, request["name"]) as registration:
        if not registration:
            registration.update(_new({"name": request["name"]}))
        if call.method == "DELETE":
            registration["aliases"].pop(request["alias"], None)
        elif call.method == "POST":
            registration["aliases"][request["alias"]] = str(_version(call)["version"])
        version = registration["aliases"].get(request["alias"])
    if call.method != "GET":
        return {}
    message = f"alias {request['alias']} of model {request['name']} does not exist"
    model = known(call.state, "models", f"{request['name']}:{version}", message, MISSING)
    return {"model_version": _shown(call.state, model)}


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
