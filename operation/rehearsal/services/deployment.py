"""Web services: made, changed, asked and deleted; each is a real scoring server behind a check of keys."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.rehearsal.access import auth
from operation.rehearsal.assets.models import model, patch
from operation.rehearsal.clock import now
from operation.rehearsal.http import Call, Refused, Reply, route
from operation.rehearsal.services.operations import MANAGEMENT, accepted, ended, failure, opened
from operation.rehearsal.services.service_app import prepared
from operation.rehearsal.services.service_document import KIND, KINDS, described, shown
from operation.rehearsal.services.serving import LOG, Serving, last_lines

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import Document, State

_RUNNING: dict[tuple[int, str, str], Serving] = {}
_LOGS: dict[tuple[int, str, str], Path] = {}
_RESTART = ("/environmentImageRequest", "/imageId")
_PASSED_ON = ("content-type", "accept", "x-ms-client-request-id", "x-ms-request-id")


def begin(service: Service) -> None:
    """End the services' processes when the rehearsal ends."""
    service.at_end.append(lambda: _end_all(service))


def _end_all(service: Service) -> None:
    for name in [name for name in _RUNNING if name[0] == id(service)]:
        _RUNNING.pop(name).stop()


def _known(call: Call) -> Document:
    name = call.path["name"]
    found = call.state.get(KIND, name)
    if found is None:
        there = ", ".join(one["name"] for one in call.state.all(KIND)) or "none"
        raise Refused(404, "ServiceNotFound", f"there is no web service {name!r}; there is: {there}")
    return found


def _create(call: Call) -> Reply:
    wanted = call.json
    name, there = wanted["name"], call.state.get(KIND, wanted["name"])
    if there and not wanted.get("overwrite"):
        raise Refused(409, "Conflict", _exists(name))
    _check(call, wanted)
    document = described(call.service, call.path, wanted, there)
    operation = _deploy(call, document)
    return accepted(call, operation, shown(call.state, {**document, "operationId": operation}))


def _exists(name: str) -> str:
    return (
        f"Service {name} already exists, please use a different service name or delete the existing service."
    )


def _check(call: Call, wanted: Document) -> None:
    kind = wanted.get("computeType")
    if kind not in KINDS:
        said = f"{kind!r} is no kind of service that the rehearsal has; it has {', '.join(KINDS)}"
        raise Refused(400, "BadRequest", said)
    if kind == "AKS":
        target = call.state.get("computes", wanted.get("computeName") or "")
        if target is None or target["properties"]["computeType"] != "AKS":
            raise Refused(
                400, "BadRequest", f"there is no AKS cluster {wanted.get('computeName')!r} to deploy to"
            )
    for identity in (wanted.get("environmentImageRequest") or {}).get("modelIds") or []:
        model(call.state, identity)


def _deploy(call: Call, document: Document) -> str:
    """Keep the service and start it in a thread of its own; return the operation's id."""
    log = f"{call.service.url}/services/{call.workspace}/{document['name']}/log"
    operation = opened(call.state, "Service", log, operationDetails={"subOperationType": "DeployService"})
    kept = {**document, "state": "Transitioning", "operationId": operation["id"], "error": None}
    call.state.put(KIND, document["name"], kept)
    words = (call.service, call.workspace, call.state, kept, operation["id"])
    threading.Thread(target=_start, args=words, name=f"service {document['name']}", daemon=True).start()
    return str(operation["id"])


def _start(service: Service, workspace: str, state: State, document: Document, operation: str) -> None:
    error: str | None
    try:
        error = _serve(service, workspace, state, document)
    except Refused as refused:
        error = refused.message
    told = failure(f"{error}. get_logs() has what it said.", "AciDeploymentFailed") if error else None
    current = state.get(KIND, document["name"])
    if current and current["operationId"] == operation:
        state.put(
            KIND, document["name"], {**current, "state": "Failed" if error else "Healthy", "error": told}
        )
    ended(state, operation, told, resourceLocation=document["name"])


def _serve(service: Service, workspace: str, state: State, document: Document) -> str | None:
    """Start the service's process anew; return why it does not answer, or None."""
    name = document["name"]
    running = _RUNNING.pop((id(service), workspace, name), None)
    if running:
        running.stop()
    folder = state.folder("service-folders") / f"{name}-{uuid.uuid4().hex[:6]}"
    _LOGS[id(service), workspace, name] = folder / LOG
    made = Serving(prepared(service, workspace, document["environmentImageRequest"], folder))
    _RUNNING[id(service), workspace, name] = made
    error = made.start()
    if running:
        shutil.rmtree(running.app.folder.parent, ignore_errors=True)
    return error


def _get(call: Call) -> Document:
    return shown(call.state, _known(call))


def _list(call: Call) -> Document:
    names = {"computeType": "computeType", "modelName": "name", "modelId": "id"}
    wanted = {name: value for name, value in call.query.items() if name in names and value}
    found = [shown(call.state, one) for one in call.state.all(KIND)]
    kind = wanted.pop("computeType", "")
    found = [one for one in found if not kind or one["computeType"] == kind.upper()]
    for name, value in wanted.items():
        found = [one for one in found if any(served[names[name]] == value for served in one["models"])]
    return {"value": found}  # the SDK follows a link that is there, be it null


def _update(call: Call) -> Reply:
    document, operations = _known(call), call.json
    for one in operations:
        patch(document, one)
    document["updatedTime"] = now()
    if any(one["path"].startswith(_RESTART) for one in operations):
        return accepted(call, _deploy(call, document), shown(call.state, document))
    call.state.put(KIND, document["name"], document)
    operation = opened(call.state, "Service", "", operationDetails=None)
    ended(call.state, operation["id"], resourceLocation=document["name"])
    return accepted(call, operation["id"], shown(call.state, document))


def _delete(call: Call) -> Reply:
    name = call.path["name"]
    serving = _RUNNING.pop((id(call.service), call.workspace, name), None)
    if serving:
        serving.stop()
    return Reply(None, 200 if call.state.delete(KIND, name) else 204)


def _keys(call: Call) -> Any:
    return _known(call)["keys"]


def _new_key(call: Call) -> Reply:
    document, wanted = _known(call), call.json or {}
    which = f"{str(wanted.get('keyType', '')).lower()}Key"
    if which not in document["keys"]:
        raise Refused(400, "BadRequest", f"{wanted.get('keyType')!r} is no key; choose Primary or Secondary")
    document["keys"][which] = wanted.get("keyValue") or secrets.token_urlsafe(24)
    call.state.put(KIND, document["name"], document)
    operation = opened(call.state, "Service", "")
    ended(call.state, operation["id"])
    return accepted(call, operation["id"])


def _token(call: Call) -> Document:
    document = _known(call)
    seconds, at = call.service.token_seconds, int(time.time())
    audience = f"service {document['name']}"
    granted = auth.token(call.service.secret, audience, seconds, call.service.url)
    times = {"refreshAfter": at + seconds // 2, "expiryOn": at + seconds}
    return {"accessToken": granted, "tokenType": "Bearer", **times}


def _logs(call: Call) -> Document:
    document = _known(call)
    log = _LOGS.get((id(call.service), call.workspace, document["name"]))
    return {"content": last_lines(log, int(call.query.get("tail", 5000))) if log else ""}


def _name_free(call: Call) -> Document:
    name = call.path["name"]
    return {"error": {"message": _exists(name)}} if call.state.get(KIND, name) else {}


def _valid(_: Call) -> Document:
    return {}


def _scored(call: Call) -> Reply:
    """Answer a client of the service: the scoring server's own answer, to those who have a key."""
    document = _known(call)
    _authorized(call, document)
    serving = _RUNNING.get((id(call.service), call.workspace, document["name"]))
    if serving is None and document["state"] == "Healthy":  # of a rehearsal before this one
        _serve(call.service, call.workspace, call.state, document)
        serving = _RUNNING.get((id(call.service), call.workspace, document["name"]))
    if serving is None or not serving.alive:
        said = f"the web service {document['name']} does not run; its state is {document['state']}"
        raise Refused(424, "ServiceNotRunning", f"{said}. get_logs() has what it said.")
    headers = {name: value for name, value in call.headers.items() if name in _PASSED_ON}
    path = {"swagger.json": "/swagger.json", "score": "/score"}.get(call.path["what"])
    if path is None:
        raise Refused(
            404, "NotFound", f"a web service has /score and /swagger.json, not /{call.path['what']}"
        )
    query = "&".join(f"{name}={value}" for name, value in call.query.items())
    answered = serving.asked(call.method, f"{path}?{query}" if query else path, call.body, headers)
    kind = answered.headers.get("Content-Type", "application/json")
    return Reply(answered.read(), answered.status, {"Content-Type": kind})


def _authorized(call: Call, document: Document) -> None:
    given = call.headers.get("authorization", "")
    if document.get("aadAuthEnabled"):
        auth.check(call.service.secret, given)
    elif document.get("authEnabled"):
        key = given.removeprefix("Bearer ")
        if not any(secrets.compare_digest(key, one) for one in document["keys"].values()):
            raise Refused(401, "Unauthorized", f"the web service {document['name']} wants one of its keys")


_SERVICE = f"{MANAGEMENT}/services/{{name}}"
_FRONT = "/services/{workspace}/{name}/{what}"

ROUTES = [
    route("POST", f"{MANAGEMENT}/services/validate", _valid),
    route("POST", f"{MANAGEMENT}/services/validate/resource", _valid),
    route("POST", f"{MANAGEMENT}/services/validate/name/{{name}}", _name_free),
    route("POST", f"{MANAGEMENT}/services", _create),
    route("GET", f"{MANAGEMENT}/services", _list),
    route("GET", _SERVICE, _get),
    route("PATCH", _SERVICE, _update),
    route("DELETE", _SERVICE, _delete),
    route("POST", f"{_SERVICE}/listkeys", _keys),
    route("POST", f"{_SERVICE}/regenerateKeys", _new_key),
    route("POST", f"{_SERVICE}/token", _token),
    route("GET", f"{_SERVICE}/logs", _logs),
    route("GET POST OPTIONS", _FRONT, _scored, public=True),
]
