"""Subscriptions, workspaces and the map of services; a workspace exists when it is asked for."""

import uuid

from operation.emulator.hosts import storage_account
from operation.emulator.http import GROUP, WORKSPACE, Call, HttpError, Reply, route
from operation.emulator.state import Document, shaped
from operation.emulator.tokens import TENANT

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
MISSING = "missing"  # names that start so do not exist, so that the error can be tried
LOCATION = "loopback"
SERVICES = {"api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"}
SERVICES |= {"catalog", "inference", "mlflow", "pipelines"}


def identity(call: Call) -> str:
    """Return the workspace's own id."""
    return str(document(call)["properties"]["workspaceId"])


def document(call: Call) -> Document:
    """Return the workspace, made when it is asked for the first time."""
    name, group = call.workspace, call.path["group"]
    if name.lower().startswith(MISSING):
        kind = "Microsoft.MachineLearningServices/workspaces"
        message = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
        raise HttpError(message, "ResourceNotFound", 404)
    with call.state.change("workspace", "workspace") as workspace:
        if not workspace:
            workspace.update(_new(call))
        return dict(workspace)


def _new(call: Call) -> Document:
    name = call.workspace
    plain = "".join(letter for letter in name.lower() if letter.isalnum()).removeprefix("aml")
    ids = {"id": call.resource, "identity": str(uuid.uuid4()), "group": GROUP.format_map(call.path)}
    facts = {"name": name, "plain": plain, "account": storage_account(name), "tenant": TENANT}
    return shaped("workspace", **ids, **facts, url=call.service.url)


def _shown(call: Call) -> Document:
    workspace = document(call)
    # the port may be another one since the workspace was made
    identity = workspace["properties"]["workspaceId"]
    workspace["properties"]["discoveryUrl"] = f"{call.service.url}/discovery/{identity}"
    return workspace


def _deleted(call: Call) -> Reply:
    call.state.delete("workspace", "workspace")
    return Reply(None, 204)


def _in_group(call: Call) -> Document:
    workspaces = [
        call.service.state(name).get("workspace", "workspace") for name in call.service.workspaces()
    ]
    group = call.path.get("group", "").lower()
    return {
        "value": [
            entry for entry in workspaces if entry and f"/resourcegroups/{group}" in entry["id"].lower()
        ]
    }


def _subscriptions(_: Call) -> Document:
    subscription = shaped("subscription", subscription=SUBSCRIPTION, tenant=TENANT)
    return {"value": [subscription], "count": {"type": "Total", "value": 1}}


def _group(call: Call) -> Document:
    return shaped("resource group", id=GROUP.format_map(call.path), name=call.path["group"])


def _services(call: Call) -> dict[str, str]:
    return dict.fromkeys(SERVICES, call.service.url)


_KIND = "/providers/Microsoft.MachineLearningServices/workspaces"

ROUTES = [
    route("GET", "/subscriptions", _subscriptions),
    route("GET", "/tenants", lambda _: {"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]}),
    route("GET", GROUP, _group),
    route("GET", f"{GROUP}{_KIND}", _in_group),
    route("GET", f"/subscriptions/{{subscription}}{_KIND}", _in_group),
    route("GET", "/subscriptions/{subscription}/resources", _in_group),
    route("GET PUT PATCH", WORKSPACE, _shown),
    route("DELETE", WORKSPACE, _deleted),
    route("GET", "/discovery/{identity}", _services, public=True),
    route("GET", "/discovery/workspaces/{identity}", _services, public=True),
    route("GET", f"/discovery{WORKSPACE}", _services, public=True),
]
