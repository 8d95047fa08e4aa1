"""Secrets: of a workspace's key vault as the SDK asks for them, and of the vault by its own host name.

A secret is a file of its own that only its owner may read; the pages never show one.
"""

import json
import os
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from operation.emulator import tokens
from operation.emulator.access import workspace
from operation.emulator.hosts import SUFFIX
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, ServiceRoute, listed, route
from operation.emulator.paths import file_name
from operation.emulator.state import State, now

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")  # Azure's rule


class Vault:
    """The secrets of one vault; their names count in any case, as in Azure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, name: str, value: object, content_type: str | None = None) -> dict[str, Any]:
        """Keep `value` under `name`, new or over the one that is there."""
        before = self.get(name) or {"created": now(), "at": int(time.time())}
        secret = {"name": name, "value": value, "contentType": content_type, "id": uuid.uuid4().hex}
        secret |= {"created": before["created"], "at": before["at"], "modified": now()}
        file = self._file(name)
        partial = file.with_suffix(f".{secret['id']}")
        self.folder.mkdir(parents=True, exist_ok=True)
        # created with these rights: there is no moment at which somebody else could read it
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(secret, out)
        partial.replace(file)
        return secret

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the secret, or None where there is none."""
        file = self._file(name)
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None

    def delete(self, name: str) -> bool:
        """Forget the secret; return whether there was one."""
        existed = self._file(name).exists()
        self._file(name).unlink(missing_ok=True)
        return existed

    def names(self) -> list[str]:
        """Return the names of all secrets, sorted."""
        files = self.folder.glob("*.json")
        return sorted(json.loads(file.read_text(encoding="utf-8"))["name"] for file in files)

    def _file(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            message = f"'{name}' cannot name a secret: use 1 to 127 letters, digits and hyphens"
            raise HttpError(message, "BadParameter")
        return self.folder / f"{name.lower()}.json"


def own_vault(call: Call) -> Vault:
    """Return the key vault that belongs to the call's workspace."""
    name = workspace.document(call)["properties"]["keyVault"].rpartition("/")[2]
    return Vault(call.service.folder / "vaults" / file_name(name.lower(), "a key vault"))


def system_vault(state: State) -> Vault:
    """Return the vault of what people gave the service: keys of storage, passwords of machines."""
    return Vault(state.folder("credentials"))


def _found(vault: Vault, name: str) -> dict[str, Any]:
    secret = vault.get(name)
    if secret is None:
        message = f"A secret with (name/id) {name} was not found in this key vault."
        raise HttpError(message, "SecretNotFound", 404)
    return secret


def _shown(secret: dict[str, Any]) -> dict[str, Any]:
    times = {"createdTime": secret["created"], "modifiedTime": secret["modified"]}
    return {name: secret[name] for name in ("name", "value", "contentType")} | times


def _put(call: Call) -> dict[str, Any]:
    secret = call.json
    return _shown(own_vault(call).set(secret["name"], secret["value"], secret.get("contentType")))


def _put_batch(call: Call) -> dict[str, Any]:
    vault = own_vault(call)
    secrets = [vault.set(new["name"], new["value"], new.get("contentType")) for new in call.json["secrets"]]
    return {"secrets": [_shown(entry) for entry in secrets], "notFoundSecrets": []}


def _get_batch(call: Call) -> dict[str, Any]:
    vault, names = own_vault(call), [secret["name"] for secret in call.json["secrets"]]
    secrets = {name: vault.get(name) for name in names}
    missing = [name for name in names if secrets[name] is None]
    return {"secrets": [_shown(entry) for entry in secrets.values() if entry], "notFoundSecrets": missing}


def _delete(call: Call) -> dict[str, Any]:
    vault, secret = own_vault(call), _found(own_vault(call), call.path["name"])
    vault.delete(secret["name"])
    return {**_shown(secret), "value": None}


def _delete_batch(call: Call) -> dict[str, Any]:
    vault = own_vault(call)
    names = [secret["name"] for secret in call.json["secrets"]]
    return {"secrets": [], "notFoundSecrets": [name for name in names if not vault.delete(name)]}


# the vault's own interface, of the library azure-keyvault-secrets


def _vault(call: Call) -> Vault:
    return Vault(call.service.folder / "vaults" / file_name(call.path["vault"].lower(), "a key vault"))


def _vault_route(methods: str, path: str, answer: Callable[[Call], object]) -> ServiceRoute:
    """Return a route that says where to get a token when the call has none: the first one never has."""

    def challenged(call: Call) -> object:
        if call.headers.get("authorization"):
            tokens.check(call.service.secret, call.headers["authorization"])
            return answer(call)
        message = f'Bearer authorization="{call.service.url}/adfs", resource="https://vault.{SUFFIX}"'
        return Reply({"error": {"code": "Unauthorized"}}, 401, {"WWW-Authenticate": message})

    return route(methods, f"/vault/{{vault}}/secrets{path}", challenged, public=True)


def _bundle(call: Call, secret: dict[str, Any]) -> dict[str, Any]:
    address = f"https://{call.path['vault']}.vault.{SUFFIX}/secrets/{secret['name']}"
    at = secret["at"]
    attributes = {"enabled": True, "created": at, "updated": at, "recoveryLevel": "Purgeable"}
    return {
        "id": f"{address}/{secret['id']}",
        "value": secret["value"],
        "contentType": secret["contentType"],
        "attributes": attributes,
        "tags": {},
    }


def _vault_secret(call: Call) -> dict[str, Any]:
    vault, name = _vault(call), call.path["name"]
    if call.method == "PUT":
        return _bundle(call, vault.set(name, call.json["value"], call.json.get("contentType")))
    secret = _found(vault, name)
    if call.path.get("version") not in (None, "", secret["id"]):
        raise HttpError(f"secret {name} has no version {call.path['version']}", "SecretNotFound", 404)
    if call.method == "DELETE":
        vault.delete(name)
        return {**_bundle(call, secret), "value": None, "deletedDate": int(time.time())}
    return _bundle(call, secret)


def _vault_secrets(call: Call) -> dict[str, Any]:
    vault = _vault(call)
    bundles = [_bundle(call, _found(vault, name)) for name in vault.names()]
    without_value = [{**bundle, "id": bundle["id"].rpartition("/")[0], "value": None} for bundle in bundles]
    return listed(without_value, "nextLink")


_SECRETS = f"/credential/v2.0{WORKSPACE}/secrets"

ROUTES = [
    route("PUT", _SECRETS, _put),
    route("GET", _SECRETS, lambda call: listed({"name": name} for name in own_vault(call).names())),
    route("PUT", f"{_SECRETS}:putbatch", _put_batch),
    route("POST", f"{_SECRETS}:getbatch", _get_batch),
    route("POST", f"{_SECRETS}:deletebatch", _delete_batch),
    route("GET", f"{_SECRETS}/{{name}}", lambda call: _shown(_found(own_vault(call), call.path["name"]))),
    route("DELETE", f"{_SECRETS}/{{name}}", _delete),
    _vault_route("GET", "", _vault_secrets),
    _vault_route("GET PUT DELETE", "/{name}", _vault_secret),
    _vault_route("GET", "/{name}/", _vault_secret),
    _vault_route("GET", "/{name}/{version}", _vault_secret),
]
