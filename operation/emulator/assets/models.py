"""Models and their assets: registered under a name and a version, found by tags, properties and run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from operation.emulator.documents import shaped
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, known, listed, lowered, route
from operation.emulator.paths import file_name
from operation.emulator.state import Document, State, now


def model(state: State, identity: str) -> Document:
    """Return the model with the id ``name:version``, or the newest with the name `identity`."""
    if ":" not in identity and (of_name := versions(state, identity)):
        return of_name[-1]
    return known(state, "models", identity, f"Model with id {identity} not found", "ModelNotFound")


def versions(state: State, name: str) -> list[Document]:
    """Return the versions of the model `name`, the highest last."""
    found = [one for one in state.all("models") if one["name"] == name]
    return sorted(found, key=lambda one: int(one["version"]))


def asset(state: State, identity: str) -> Document:
    """Return the asset; raise `HttpError` 404 when there is none."""
    return known(state, "assets", identity, f"Asset with id {identity} not found", "AssetNotFound")


def prefixes(state: State, identity: str) -> list[str]:
    """Return where a model's files are: prefixes of artifacts, ``origin/container/path``."""
    address: str = model(state, identity)["url"]
    parts = asset(state, address.removeprefix("aml://asset/"))["artifacts"]
    return [part.get("prefix") or part["id"] for part in parts]


def registered(state: State, given: Document) -> Document:
    """Register a model under the next version of its name."""
    name = file_name(given["name"], "a model")
    with state.change("model-names", name) as counted:
        # a version that was deleted is not given again
        counted["newest"] = version = counted.get("newest", 0) + 1
    made = shaped("model") | {field: value for field, value in given.items() if value is not None}
    made |= {"id": f"{name}:{version}", "version": version, "tags": made["kvTags"]}
    made["resourceRequirements"] = _resources(given.get("resourceRequirements"))
    return state.put("models", made["id"], made)


def _resources(given: Document | None) -> Document | None:
    """Return what a model asks for to be served: the SDK sends what was chosen, and reads all of it."""
    return {"cpu": None, "memoryInGB": None, "gpu": None, **given} if given else None


def _wanted(query: Mapping[str, str], one: Document) -> bool:
    fields = ("name", "framework", "runId", "description")
    if any(query.get(field) not in (None, "", one[field]) for field in fields):
        return False
    if query.get("datasetId") and query["datasetId"] not in [each["id"] for each in one["datasets"]]:
        return False
    return _carries(query.get("tags", ""), one["kvTags"]) and _carries(
        query.get("properties", ""), one["properties"]
    )


def _carries(words: str, values: Mapping[str, str]) -> bool:
    """Tell whether `values` has each of ``a=b,c``: with that value, or at all."""
    for word in filter(None, words.split(",")):
        name, equals, value = word.partition("=")
        if name not in values or (equals and str(values[name]) != value):
            return False
    return True


def _list(call: Call) -> Document:
    query = call.asked
    found = [one for one in call.state.all("models") if _wanted(query, one)]
    found.sort(key=lambda one: str(one["createdTime"]), reverse=query.get("orderBy") != "CreatedAtAsc")
    if str(query.get("latestVersionOnly", "")).lower() == "true":
        by_version = sorted(found, key=lambda one: int(one["version"]))
        highest = {one["name"]: one["version"] for one in by_version}
        found = [one for one in found if one["version"] == highest[one["name"]]]
    start, count = int(query.get("$skipToken") or 0), int(query.get("count") or 100)
    more = len(found) > start + count
    link = f"{call.service.url}/modelmanagement/models?$skipToken={start + count}" if more else None
    return {"value": found[start : start + count], "nextLink": link}


def _patch(call: Call) -> Document:
    identity = model(call.state, call.path["id"])["id"]
    with call.state.change("models", identity) as found:
        for one in call.json:
            patch(found, one)
        found |= {"modifiedTime": now(), "tags": found["kvTags"]}
        return dict(found)


def patch(document: Document, operation: Mapping[str, Any]) -> None:
    """Carry out one operation of a JSON patch (RFC 6902: add, replace, remove) on `document`."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
    target: Any = document
    for part in way:
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
    made = dict.fromkeys(("type", "description", "kvTags", "properties", "runid", "meta")) | call.json
    made |= {"id": uuid.uuid4().hex, "createdTime": now(), "artifacts": call.json.get("artifacts") or []}
    return call.state.put("assets", made["id"], made)


def _asset(call: Call) -> Document:
    found = asset(call.state, call.path["id"])
    if call.method == "PATCH":
        for one in call.json:
            patch(found, one)
        call.state.put("assets", found["id"], found)
    return found


def _assets(call: Call) -> Document:
    run, name = call.query.get("runId") or call.query.get("runid"), call.query.get("name")
    found = [one for one in call.state.all("assets") if not run or one["runid"] == run]
    found = [one for one in found if not name or one["name"] == name]
    wanted = call.query.get("properties", "")
    return listed((one for one in found if _carries(wanted, one["properties"] or {})), "nextLink")


_BASE = f"/modelmanagement/v1.0{WORKSPACE}"

ROUTES = [
    route("POST", f"{_BASE}/models", lambda call: registered(call.state, lowered(call.json))),
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
