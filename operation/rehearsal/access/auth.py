"""Who is asked for tokens, and which tokens are good."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from operation.rehearsal.access.certificates import SUFFIX
from operation.rehearsal.http import Call, Refused, Reply, route

TENANT = "22222222-2222-2222-2222-222222222222"
CLIENT = "55555555-5555-5555-5555-555555555555"
PERSON = "44444444-4444-4444-4444-444444444444"
WRONG = "wrong"  # the one client secret that is refused, so that a refusal can be rehearsed


def secret(folder: Path) -> bytes:
    """Return what tokens are signed with: kept, so that they outlive a restart of the service."""
    file = folder / "certificates" / "token.key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(secrets.token_bytes(32))
        file.chmod(0o600)
    return file.read_bytes()


def token(key: bytes, audience: str, seconds: int, issuer: str) -> str:
    """Return a signed token that is good for `seconds`."""
    at = int(time.time())
    claims: dict[str, object] = {
        "aud": audience,
        "iss": issuer,
        "tid": TENANT,
        "oid": PERSON,
        "appid": CLIENT,
    }
    claims |= {"upn": "rehearsal", "iat": at, "nbf": at, "exp": at + seconds}
    signed = f"{_packed({'alg': 'HS256', 'typ': 'JWT'})}.{_packed(claims)}"
    return f"{signed}.{_signature(key, signed)}"


def check(key: bytes, header: str) -> None:
    """Raise unless `header` carries a token signed with `key` that has not expired.

    Raises
    ------
    Refused
        401, saying what is wrong with the token.
    """
    kind, _, text = header.partition(" ")
    if kind.lower() != "bearer" or text.count(".") != 2:
        raise Refused(401, "InvalidAuthenticationToken", "the call carries no bearer token")
    signed, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature, _signature(key, signed)):
        raise Refused(401, "InvalidAuthenticationToken", "the token is not one of this rehearsal's")
    expired = time.time() - json.loads(_unpacked(signed.split(".")[1]))["exp"]
    if expired >= 0:
        raise Refused(401, "ExpiredAuthenticationToken", f"the token expired {expired:.0f} s ago")


def _packed(document: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signature(key: bytes, text: str) -> str:
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _clouds(call: Call) -> list[dict[str, Any]]:
    url = call.service.url
    suffixes = {
        "storage": SUFFIX,
        "keyVaultDns": f"vault.{SUFFIX}",
        "acrLoginServer": f"azurecr.{SUFFIX}",
        "sqlServerHostname": f"database.{SUFFIX}",
        "azureDataLakeStoreFileSystem": f"datalake.{SUFFIX}",
        "azureDataLakeAnalyticsCatalogAndJob": f"analytics.{SUFFIX}",
    }
    cloud = {
        "name": "AzureCloud",
        "portal": url,
        "authentication": {
            "loginEndpoint": url,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": suffixes,
    }
    addresses = ("media", "graphAudience", "graph", "resourceManager", "sqlManagement", "batch", "gallery")
    cloud |= dict.fromkeys((*addresses, "vmImageAliasDoc", "activeDirectoryDataLake"), url)
    return [cloud]


def _openid(call: Call) -> dict[str, Any]:
    issuer = f"{call.service.url}/{call.path['tenant']}"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "token_endpoint": f"{issuer}/oauth2/token",
        "device_authorization_endpoint": f"{issuer}/oauth2/devicecode",
    }


def _grant(call: Call) -> object:
    form = {name: values[-1] for name, values in parse_qs(call.body.decode()).items()}
    if form.get("client_secret") == WRONG:
        said = "AADSTS7000215: Invalid client secret provided. This is the one that the rehearsal refuses."
        return Reply({"error": "invalid_client", "error_description": said, "error_codes": [7000215]}, 401)
    seconds = call.service.token_seconds
    audience = form.get("scope") or form.get("resource", "")
    granted = token(call.service.secret, audience, seconds, call.service.url)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": granted}


def _managed_identity(call: Call) -> dict[str, Any]:
    seconds, resource = call.service.token_seconds, call.query.get("resource", "")
    granted = token(call.service.secret, resource, seconds, call.service.url)
    expires = str(int(time.time()) + seconds)
    return {
        "access_token": granted,
        "expires_on": expires,
        "resource": resource,
        "token_type": "Bearer",
        "client_id": CLIENT,
    }


ROUTES = [
    route("GET", "/metadata/endpoints", _clouds, public=True),
    route("GET", "/{tenant}/.well-known/openid-configuration", _openid, public=True),
    route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", _openid, public=True),
    route("POST", "/{tenant}/oauth2/token", _grant, public=True),
    route("POST", "/{tenant}/oauth2/v2.0/token", _grant, public=True),
    route("GET POST", "/msi/token", _managed_identity, public=True),
]
