"""Models and their assets: registered under a name and a version, found by tags, properties and run."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, known, listed, lowered, route
from operation.emulator.paths import file_name
from operation.emulator.state import Document, State, now, shaped


def model(state: State, identity: str) -> Document:
    """Return the model with the id ``name:version``, or the newest with the name `identity`."""
    if ":" not in identity and (of_name := versions(state, identity)):
        return of_name[-1]
    return known(state, "models", identity, f"Model with id {identity} not found", "ModelNotFound")


def versions(state: State, name: str) -> list[Document]:
    """Return the versions of the model `name`, the highest last."""
    return sorted(state.where("models", name=name), key=lambda document: int(document["version"]))


def asset(state: State, identity: str) -> Document:
    """Return the asset; raise `HttpError` 404 when there is none."""
    return known(state, "assets", identity, f"Asset with id {identity} not found", "AssetNotFound")


def prefixes(state: State, identity: str) -> list[str]:
    """Return where a model's files are: prefixes of artifacts, ``origin/container/path``."""
    address: str = model(state, identity)["url"]
    parts = asset(state, address.removeprefix("aml://asset/"))["artifacts"]
    return [part.get("prefix") or part["id"] for part in parts]


def register(state: State, request: Document) -> Document:
    """Register a model under the next version of its name."""
    name = file_name(request["name"], "a model")
    with state.change("model-names", name) as counted:
        # a version that was deleted is not given again
        counted["newest"] = version = counted.get("newest", 0) + 1
    registration = shaped("model") | {field: value for field, value in request.items() if value is not None}
    registration |= {"id": f"{name}:{version}", "version": version, "tags": registration["kvTags"]}
    registration["resourceRequirements"] = _resources(request.get("resourceRequirements"))
    return state.put("models", registration["id"], registration)


def _resources(requirements: Document | None) -> Document | None:
    """Return what a model asks for to be served: the SDK sends what was chosen, and reads all of it."""
    return {"cpu": None, "memoryInGB": None, "gpu": None, **requirements} if requirements else None


def _wanted(query: Mapping[str, str], document: Document) -> bool:
    fields = ("name", "framework", "runId", "description")
    if any(query.get(field) not in (None, "", document[field]) for field in fields):
        return False
    if query.get("datasetId") and query["datasetId"] not in [
        dataset["id"] for dataset in document["datasets"]
    ]:
        return False
    return _carries(query.get("tags", ""), document["kvTags"]) and _carries(
        query.get("properties", ""), document["properties"]
    )


def _carries(conditions: str, values: Mapping[str, str]) -> bool:
    """Tell whether `values` has each of ``a=b,c``: with that value, or at all."""
    for word in filter(None, conditions.split(",")):
        name, equals, value = word.partition("=")
        if name not in values or (equals and str(values[name]) != value):
            return False
    return True


def _list(call: Call) -> Document:
    query = call.parameters
    matches = [entry for entry in call.state.all("models") if _wanted(query, entry)]
    matches.sort(key=lambda model: str(model["createdTime"]), reverse=query.get("orderBy") != "CreatedAtAsc")
    if str(query.get("latestVersionOnly", "")).lower() == "true":
        by_version = sorted(matches, key=lambda document: int(document["version"]))
        highest = {entry["name"]: entry["version"] for entry in by_version}
        matches = [document for document in matches if document["version"] == highest[document["name"]]]
    start, count = int(query.get("$skipToken") or 0), int(query.get("count") or 100)
    extra = len(matches) > start + count
    link = f"{call.service.url}/modelmanagement/models?$skipToken={start + count}" if extra else None
    return {"value": matches[start : start + count], "nextLink": link}


def _patch(call: Call) -> Document:
    identity = model(call.state, call.path["id"])["id"]
    with call.state.change("models", identity) as stored:
        for operation in call.json:
            patch(stored, operation)
        stored |= {"modifiedTime": now(), "tags": stored["kvTags"]}
        return dict(stored)


def patch(document: Document, operation: Mapping[str, Any]) -> None:
    """Carry out one operation of a JSON patch (RFC 6902: add, replace, remove) on `document`."""
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    target: Any = document
    for part in parents:
        target = target.get(part) if isinstance(target, dict) else None
    if not isinstance(target, dict) or (operation["op"].lower() == "remove" and last not in target):
        raise HttpError(f"the path {operation['path']} of the patch leads nowhere", "BadRequest")
    if operation["op"].lower() == "remove":
        del target[last]
    else:
        target[last] = operation["value"]


def _delete(kind: str) -> Callable[[Call], Reply]:
    return lambda call: Reply(None, 200 if call.state.delete(kind, call.path["id"]) else 204)


def _new_asset(call: Call) -> Document:
    document = dict.fromkeys(("type", "description", "kvTags", "properties", "runid", "meta")) | call.json
    document |= {"id": uuid.uuid4().hex, "createdTime": now(), "artifacts": call.json.get("artifacts") or []}
    return call.state.put("assets", document["id"], document)


def _asset(call: Call) -> Document:
    document = asset(call.state, call.path["id"])
    if call.method == "PATCH":
        for operation in call.json:
            patch(document, operation)
        call.state.put("assets", document["id"], document)
    return document


def _assets(call: Call) -> Document:
    run, name = call.query.get("runId") or call.query.get("runid"), call.query.get("name")
    matches = [entry for entry in call.state.all("assets") if not run or entry["runid"] == run]
    matches = [document for document in matches if not name or document["name"] == name]
    properties = call.query.get("properties", "")
    return listed((asset for asset in matches if _carries(properties, asset["properties"] or {})), "nextLink")


_BASE = f"/modelmanagement/v1.0{WORKSPACE}"

ROUTES = [
    route("POST", f"{_BASE}/models", lambda call: register(call.state, lowered(call.json))),
    route("GET", f"{_BASE}/models", _list),
    route("POST", f"{_BASE}/models/list", _list),
    route("GET", f"{_BASE}/models/{{id}}", lambda call: model(call.state, call.path["id"])),
    route("PATCH", f"{_BASE}/models/{{id}}", _patch),
    route("DELETE", f"{_BASE}/models/{{id}}", _delete("models")),
    route("POST", f"{_BASE}/assets", _new_asset),
    route("GET", f"{_BASE}/assets", _assets),
    route("GET PATCH", f"{_BASE}/assets/{{id}}", _asset),
    route("DELETE", f"{_BASE}/assets/{{id}}", _delete("assets")),
]
