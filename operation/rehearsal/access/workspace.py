"""Subscriptions, workspaces and the map of services; a workspace exists when it is asked for."""

from __future__ import annotations

import uuid
from typing import Any

from operation.rehearsal.access.auth import TENANT
from operation.rehearsal.clock import now
from operation.rehearsal.history.naming import storage_account
from operation.rehearsal.http import WORKSPACE, Call, Refused, Reply, route

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
MISSING = "missing"  # names that start so do not exist, so that the error can be rehearsed
LOCATION = "loopback"
SERVICES = {"api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"}
SERVICES |= {"catalog", "inference", "mlflow", "pipelines"}


def resource(call: Call) -> str:
    """Return the workspace's resource id, as the caller wrote it."""
    return WORKSPACE.format(**{name: call.path[name] for name in ("subscription", "group", "workspace")})


def identity(call: Call) -> str:
    """Return the workspace's own id."""
    return str(document(call)["properties"]["workspaceId"])


def document(call: Call) -> dict[str, Any]:
    """Return the workspace, made when it is asked for the first time.

    Raises
    ------
    Refused
        404, for a name that starts with ``missing``.
    """
    name, group = call.workspace, call.path["group"]
    if name.lower().startswith(MISSING):
        kind = "Microsoft.MachineLearningServices/workspaces"
        said = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
        raise Refused(404, "ResourceNotFound", said)
    with call.state.change("workspace", "workspace") as known:
        if not known:
            known.update(_new(call))
        return dict(known)


def _new(call: Call) -> dict[str, Any]:
    name, identity = call.workspace, str(uuid.uuid4())
    group = f"/subscriptions/{call.path['subscription']}/resourceGroups/{call.path['group']}/providers/"
    plain = "".join(letter for letter in name.lower() if letter.isalnum()).removeprefix("aml")
    return {
        "id": resource(call),
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": LOCATION,
        "tags": {},
        "etag": None,
        "identity": {"type": "SystemAssigned", "principalId": TENANT, "tenantId": TENANT},
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {
            "friendlyName": name,
            "description": "",
            "creationTime": now(),
            "workspaceId": identity,
            "workspaceIdInternal": identity,
            "storageAccount": f"{group}Microsoft.Storage/storageAccounts/{storage_account(name)}",
            "keyVault": f"{group}Microsoft.KeyVault/vaults/kv{plain}",
            "applicationInsights": f"{group}microsoft.insights/components/ai{plain}",
            "containerRegistry": None,
            "provisioningState": "Succeeded",
            "discoveryUrl": f"{call.service.url}/discovery/{identity}",
            "hbiWorkspace": False,
        },
    }


def _shown(call: Call) -> dict[str, Any]:
    shown = document(call)
    # the port may be another one since the workspace was made
    identity = shown["properties"]["workspaceId"]
    shown["properties"]["discoveryUrl"] = f"{call.service.url}/discovery/{identity}"
    return shown


def _deleted(call: Call) -> Reply:
    call.state.delete("workspace", "workspace")
    return Reply(None, 204)


def _in_group(call: Call) -> dict[str, Any]:
    found = [call.service.state(name).get("workspace", "workspace") for name in call.service.workspaces()]
    group = call.path.get("group", "").lower()
    return {"value": [one for one in found if one and f"/resourcegroups/{group}" in one["id"].lower()]}


def _subscriptions(_: Call) -> dict[str, Any]:
    one = {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
        "displayName": "Rehearsal",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
    }
    return {"value": [one], "count": {"type": "Total", "value": 1}}


def _tenants(_: Call) -> dict[str, Any]:
    return {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]}


def _group(call: Call) -> dict[str, Any]:
    name = call.path["group"]
    address = f"/subscriptions/{call.path['subscription']}/resourceGroups/{name}"
    return {
        "id": address,
        "name": name,
        "location": LOCATION,
        "properties": {"provisioningState": "Succeeded"},
    }


def _services(call: Call) -> dict[str, str]:
    return dict.fromkeys(SERVICES, call.service.url)


_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_KIND = "/providers/Microsoft.MachineLearningServices/workspaces"

ROUTES = [
    route("GET", "/subscriptions", _subscriptions),
    route("GET", "/tenants", _tenants),
    route("GET", _GROUP, _group),
    route("GET", f"{_GROUP}{_KIND}", _in_group),
    route("GET", f"/subscriptions/{{subscription}}{_KIND}", _in_group),
    route("GET", "/subscriptions/{subscription}/resources", _in_group),
    route("GET PUT PATCH", WORKSPACE, _shown),
    route("DELETE", WORKSPACE, _deleted),
    route("GET", "/discovery/{identity}", _services, public=True),
    route("GET", "/discovery/workspaces/{identity}", _services, public=True),
    route("GET", f"/discovery{WORKSPACE}", _services, public=True),
]
