"""Web services: made, changed and deleted; a real scoring server answers for each."""

import threading

from operation.emulator.assets.models import model, patch
from operation.emulator.http import Call, HttpError, Reply, route
from operation.emulator.service import Service
from operation.emulator.services import endpoint
from operation.emulator.services.operations import MANAGEMENT, accepted, ended, failure, opened
from operation.emulator.services.service_document import KIND, KINDS, load, new_service, represent, too_much
from operation.emulator.services.serving import WebServices
from operation.emulator.state import Document, now

_RESTART = ("/environmentImageRequest", "/imageId")


def _create(call: Call) -> Reply:
    request = call.json
    name, existing = request["name"], call.state.get(KIND, request["name"])
    if existing and not request.get("overwrite"):
        raise HttpError(_exists(name), "Conflict", 409)
    _check(call, request)
    new = endpoint.new_endpoint if request["computeType"] == endpoint.KIND else new_service
    document = new(call.service, call.path, request, existing)
    operation = _deploy(call, document, list(document.get("versions", {})))
    return accepted(call, operation, represent(call.state, {**document, "operationId": operation}))


def _exists(name: str) -> str:
    return (
        f"Service {name} already exists, please use a different service name or delete the existing service."
    )


def _check(call: Call, request: Document) -> None:
    kind = request.get("computeType")
    if kind not in KINDS:
        message = f"{kind!r} is no kind of service that the emulator has; it has {', '.join(KINDS)}"
        raise HttpError(message, "BadRequest")
    if kind != "ACI":
        target = call.state.get("computes", request.get("computeName") or "")
        if target is None or target["properties"]["computeType"] != "AKS":
            raise HttpError(f"There is no AKS cluster {request.get('computeName')!r}", "BadRequest")
    for version in (request.get("versions") or {"": request}).values():
        for identity in (version.get("environmentImageRequest") or {}).get("modelIds") or []:
            model(call.state, identity)


def _deploy(call: Call, document: Document, versions: list[str]) -> str:
    """Keep the service and start it in a thread of its own; return the operation's id."""
    log = f"{call.service.url}/services/{call.workspace}/{document['name']}/log"
    operation = opened(call.state, "Service", log, operationDetails={"subOperationType": "DeployService"})
    stored = {**document, "state": "Transitioning", "operationId": operation["id"], "error": None}
    call.state.put(KIND, document["name"], stored)
    arguments = (call.service, call.workspace, stored, versions)
    threading.Thread(target=_start, args=arguments, name=f"service {document['name']}", daemon=True).start()
    return str(operation["id"])


def _start(service: Service, workspace: str, document: Document, versions: list[str]) -> None:
    """Start what is to be started, and write down what became of it."""
    name, operation, state = document["name"], document["operationId"], service.state(workspace)
    if document["computeType"] == endpoint.KIND:
        errors = endpoint.start(service, workspace, document, versions)
    else:
        errors = {name: service.part(WebServices).start(workspace, name, document["environmentImageRequest"])}
    error = next(filter(None, errors.values()), None)
    failed = failure(f"{error}. get_logs() has what it said.", "AciDeploymentFailed") if error else None
    current = state.get(KIND, name)
    if current and current["operationId"] == operation:
        single = {**current, "state": "Failed" if error else "Healthy"}
        stored = endpoint.ended(current, errors) if current["computeType"] == endpoint.KIND else single
        state.put(KIND, name, {**stored, "error": failed})
    ended(state, operation, failed, resourceLocation=name)


def _list(call: Call) -> Document:
    names = {"computeType": "computeType", "modelName": "name", "modelId": "id"}
    conditions = {name: value for name, value in call.query.items() if name in names and value}
    matches = [represent(call.state, service_document) for service_document in call.state.all(KIND)]
    kind = conditions.pop("computeType", "")
    matches = [document for document in matches if not kind or document["computeType"] == kind.upper()]
    for name, value in conditions.items():
        matches = [
            document
            for document in matches
            if any(served[names[name]] == value for served in document["models"])
        ]
    return {"value": matches}  # the SDK follows a link that is there, be it null


def _update(call: Call) -> Reply:
    document, operations = load(call), call.json
    if document["computeType"] == endpoint.KIND:
        return _update_versions(call, document, operations)
    for entry in operations:
        patch(document, entry)
    document["updatedTime"] = now()
    if any(operation["path"].startswith(_RESTART) for operation in operations):
        return accepted(call, _deploy(call, document, []), represent(call.state, document))
    return _updated(call, document)


def _update_versions(call: Call, document: Document, operations: list[Document]) -> Reply:
    before = endpoint.keys(document)
    document, anew = endpoint.patched(document, operations)
    for gone in set(before) - set(endpoint.keys(document)):
        call.service.part(WebServices).end(call.workspace, gone)
    if anew:
        return accepted(call, _deploy(call, document, anew), represent(call.state, document))
    return _updated(call, document)


def _updated(call: Call, document: Document) -> Reply:
    call.state.put(KIND, document["name"], document)
    operation = opened(call.state, "Service", "", operationDetails=None)
    ended(call.state, operation["id"], resourceLocation=document["name"])
    return accepted(call, operation["id"], represent(call.state, document))


def _delete(call: Call) -> Reply:
    name = call.path["name"]
    document = call.state.get(KIND, name)
    for process in endpoint.keys(document) if document else []:
        call.service.part(WebServices).end(call.workspace, process)
    return Reply(None, 200 if call.state.delete(KIND, name) else 204)


def _logs(call: Call) -> Document:
    lines = int(call.query.get("tail", 5000))
    logs = [
        call.service.part(WebServices).log_tail(call.workspace, entry, lines)
        for entry in endpoint.keys(load(call))
    ]
    return {"content": "\n".join(filter(None, logs))}


def _name_free(call: Call) -> Document:
    name = call.path["name"]
    return {"error": {"message": _exists(name)}} if call.state.get(KIND, name) else {}


def _enough(call: Call) -> Document:
    """Tell whether the cluster has what a service asks for."""
    problem = too_much(call.state, call.json)
    return {"error": {"message": problem}} if problem else {}


_SERVICE = f"{MANAGEMENT}/services/{{name}}"

ROUTES = [
    route("POST", f"{MANAGEMENT}/services/validate", lambda _: {}),
    route("POST", f"{MANAGEMENT}/services/validate/resource", _enough),
    route("POST", f"{MANAGEMENT}/services/validate/name/{{name}}", _name_free),
    route("POST", f"{MANAGEMENT}/services", _create),
    route("GET", f"{MANAGEMENT}/services", _list),
    route("GET", _SERVICE, lambda call: represent(call.state, load(call))),
    route("PATCH", _SERVICE, _update),
    route("DELETE", _SERVICE, _delete),
    route("GET", f"{_SERVICE}/logs", _logs),
]
