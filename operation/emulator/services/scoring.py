"""What clients of a web service meet: keys and tokens, and behind them the scoring server's own answer."""

import secrets
import time

from operation.emulator import tokens
from operation.emulator.http import Call, HttpError, Reply, route
from operation.emulator.services import endpoint
from operation.emulator.services.operations import MANAGEMENT, accepted, ended, opened
from operation.emulator.services.service_document import KIND, load
from operation.emulator.services.serving import Serving, WebServices
from operation.emulator.state import Document

_OF_AZURE = ("content-type", "accept", "x-ms-client-request-id", "x-ms-request-id")
_PASSED_ON = (*_OF_AZURE, "x-request-id", "x-variant-key")


def _new_key(call: Call) -> Reply:
    document, request = load(call), call.json
    which = f"{str(request.get('keyType', '')).lower()}Key"
    if which not in document["keys"]:
        raise HttpError(f"{request.get('keyType')!r} is no key; choose Primary or Secondary", "BadRequest")
    document["keys"][which] = request.get("keyValue") or secrets.token_urlsafe(24)
    call.state.put(KIND, document["name"], document)
    operation = opened(call.state, "Service", "")
    ended(call.state, operation["id"])
    return accepted(call, operation["id"])


def _token(call: Call) -> Document:
    document = load(call)
    seconds, at = call.service.token_seconds, int(time.time())
    audience = f"web service {document['name']}"
    granted = tokens.token(call.service.secret, audience, seconds, call.service.url)
    times = {"refreshAfter": at + seconds // 2, "expiryOn": at + seconds}
    return {"accessToken": granted, "tokenType": "Bearer", **times}


def _scored(call: Call) -> Reply:
    """Answer a client of the service: the scoring server's own answer, to those who have a key."""
    document = load(call)
    _authorized(call, document)
    serving = _asked(call, document)
    headers = {name: value for name, value in call.headers.items() if name in _PASSED_ON}
    path = {"swagger.json": "/swagger.json", "score": "/score"}.get(call.path["what"])
    if path is None:
        raise HttpError("A web service answers at /score and /swagger.json", "NotFound", 404)
    query = "&".join(f"{name}={value}" for name, value in call.query.items())
    answered = serving.asked(call.method, f"{path}?{query}" if query else path, call.body, headers)
    kind = answered.headers.get("Content-Type", "application/json")
    return Reply(answered.read(), answered.status, {"Content-Type": kind})


def _asked(call: Call, document: Document) -> Serving:
    """Return the process that answers: of the service, of the version that is named, or of one drawn."""
    name, request, state = document["name"], document.get("environmentImageRequest"), document["state"]
    if document["computeType"] == endpoint.KIND:
        chosen = call.path.get("version") or endpoint.choose_version(document)
        if chosen not in document["versions"]:
            raise HttpError(f"the endpoint {name} has no version {chosen!r}", "NotFound", 404)
        version = document["versions"][chosen]
        name, request, state = (
            endpoint.key(document, chosen),
            version["environmentImageRequest"],
            version["state"],
        )
    services = call.service.part(WebServices)
    serving = services.find(call.workspace, name)
    if serving is None and state == "Healthy" and request:  # of an emulator before this one
        services.start(call.workspace, name, request)
        serving = services.find(call.workspace, name)
    if serving is None or not serving.alive:
        message = f"the web service {name} does not run; its state is {state}"
        raise HttpError(f"{message}. get_logs() has what it said.", "ServiceNotRunning", 424)
    return serving


def _authorized(call: Call, document: Document) -> None:
    header = call.headers.get("authorization", "")
    if document.get("aadAuthEnabled"):
        tokens.check(call.service.secret, header, f"web service {document['name']}")
    elif document.get("authEnabled"):
        key = header.removeprefix("Bearer ")
        if not any(
            secrets.compare_digest(key.encode(), entry.encode()) for entry in document["keys"].values()
        ):
            raise HttpError(f"Missing or invalid key of web service {document['name']}", "Unauthorized", 401)


_SERVICE = f"{MANAGEMENT}/services/{{name}}"

ROUTES = [
    route("POST", f"{_SERVICE}/listkeys", lambda call: load(call)["keys"]),
    route("POST", f"{_SERVICE}/regenerateKeys", _new_key),
    route("POST", f"{_SERVICE}/token", _token),
    route("GET POST OPTIONS", "/services/{workspace}/{name}/{what}", _scored, public=True),
    route("GET POST OPTIONS", "/services/{workspace}/{name}/{version}/{what}", _scored, public=True),
]
