"""What the SDK asks before it has a token: the cloud's addresses, a token; and its telemetry."""

import json
import time
from typing import Any
from urllib.parse import parse_qs

from operation.emulator.hosts import SUFFIX
from operation.emulator.http import Call, Reply, route
from operation.emulator.state import shaped
from operation.emulator.tokens import CLIENT, is_client_secret, token


def _clouds(call: Call) -> list[dict[str, Any]]:
    return [shaped("cloud", url=call.service.url, suffix=SUFFIX)]


def _openid(call: Call) -> dict[str, Any]:
    issuer = f"{call.service.url}/{call.path['tenant']}"
    names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
    ends = {**names, "device_authorization_endpoint": "devicecode"}
    return {"issuer": issuer} | {name: f"{issuer}/oauth2/{end}" for name, end in ends.items()}


def _grant(call: Call) -> object:
    """Give a token to whoever knows the client's secret."""
    form = {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
    if not is_client_secret(call.service.secret, form.get("client_secret", "")):
        message = (
            "AADSTS7000215: Invalid client secret provided. The emulator's is in the variables that lead"
        )
        message = f"{message} the SDK to it."
        return Reply({"error": "invalid_client", "error_description": message, "error_codes": [7000215]}, 401)
    seconds = call.service.token_seconds
    granted = _granted(call, form.get("scope") or form.get("resource", ""))
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": granted}


def _granted(call: Call, audience: str) -> str:
    return token(call.service.secret, audience, call.service.token_seconds, call.service.url)


def _managed_identity(call: Call) -> object:
    """Give a token as a machine of Azure does; the SDK sends no secret, so that it stands in the address."""
    if not is_client_secret(call.service.secret, call.path["secret"]):
        return Reply({"statusCode": 401, "message": "the secret in the address is another one"}, 401)
    resource = call.query.get("resource", "")
    return {
        "access_token": _granted(call, resource),
        "expires_on": str(int(time.time()) + call.service.token_seconds),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": CLIENT,
    }


def _telemetry(call: Call) -> dict[str, Any]:
    """Take what the SDK tells its makers of its use: what is refused is sent again, and the process waits."""
    try:
        count = len(json.loads(call.body))
    except ValueError:  # sent compressed, or a line for each item
        count = 1
    return {"itemsReceived": count, "itemsAccepted": count, "errors": []}


ROUTES = [
    route("GET", "/metadata/endpoints", _clouds, public=True),
    route("GET", "/{tenant}/.well-known/openid-configuration", _openid, public=True),
    route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", _openid, public=True),
    route("POST", "/{tenant}/oauth2/token", _grant, public=True),
    route("POST", "/{tenant}/oauth2/v2.0/token", _grant, public=True),
    route("GET POST", "/msi/{secret}/token", _managed_identity, public=True),
    route("POST", "/v2/track", _telemetry, public=True),
    route("POST", "/v2.1/track", _telemetry, public=True),
]
