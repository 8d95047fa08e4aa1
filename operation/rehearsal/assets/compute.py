"""Compute targets: clusters that are created and machines that are attached, all of them this machine."""

from __future__ import annotations

import json
import uuid
from typing import Any

from operation.rehearsal.access.auth import PERSON, TENANT
from operation.rehearsal.access.workspace import LOCATION, resource
from operation.rehearsal.assets import keyvault
from operation.rehearsal.assets.compute_sizes import machine_sizes
from operation.rehearsal.clock import now
from operation.rehearsal.http import WORKSPACE, Call, Refused, Reply, route

Document = dict[str, Any]
# where each kind of target has its credentials: kept apart, and given out to listKeys alone
CREDENTIALS = ("administratorAccount", "userAccountCredentials", "databricksAccessToken")


def target(call: Call) -> Document:
    """Return the target that the call names; raise `Refused` 404 when there is none."""
    name = call.path["name"]
    found = call.state.get("computes", name)
    if found is None:
        group = call.path["group"]
        said = f"The Resource 'Microsoft.MachineLearningServices/workspaces/{call.workspace}/computes/{name}'"
        raise Refused(404, "ResourceNotFound", f"{said} under resource group '{group}' was not found.")
    return found


def _put(call: Call) -> Reply:
    name, given = call.path["name"], call.json
    properties: Document = given["properties"]
    details: Document = dict(properties.get("properties") or {})
    secret = {key: details.pop(key) for key in CREDENTIALS if details.get(key)}
    if secret:
        keyvault.of_system(call.state).set(f"compute-{name}", secret)
    if "userAccountCredentials" in secret:  # the name is no secret, and the SDK shows it
        details["userAccountCredentials"] = {
            "adminUserName": secret["userAccountCredentials"].get("adminUserName")
        }
    if properties["computeType"] == "AmlCompute":
        details |= _nodes(details)
    if properties["computeType"] == "AKS":
        details = _cluster(details)
    if properties["computeType"] == "ComputeInstance":
        details = _instance(name) | details
    made = {
        "id": f"{resource(call)}/computes/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/computes",
        "location": given.get("location") or LOCATION,
        "tags": given.get("tags"),
        "properties": {
            **_facts(properties),
            "properties": details,
        },
    }
    if given.get("identity"):  # where there is none the word must be missing too
        made["identity"] = _identity(given["identity"])
    known = call.state.get("computes", name)
    if known:
        made["properties"]["createdOn"] = known["properties"]["createdOn"]
    return Reply(call.state.put("computes", name, made), 201 if known is None else 200, _operation(call))


def _instance(name: str) -> Document:
    """Return what a machine of one's own says of itself beside what was asked for."""
    fields = ("errors", "connectivityEndpoints", "subnet", "personalComputeInstanceSettings")
    operation = {"operationName": "Create", "operationTime": now(), "operationStatus": "Succeeded"}
    return dict.fromkeys(fields) | {
        "state": "Running",
        "applications": [],
        "applicationSharingPolicy": "Personal",
        "createdBy": {"userObjectId": PERSON, "userTenantId": TENANT, "userName": "rehearsal"},
        "lastOperation": operation,
        "instanceName": name,
    }


def _facts(properties: Document) -> Document:
    attached = bool(properties.get("resourceId"))
    return {
        "computeType": properties["computeType"],
        "computeLocation": properties.get("computeLocation") or LOCATION,
        "description": properties.get("description") or "",
        "createdOn": now(),
        "modifiedOn": now(),
        "provisioningState": "Succeeded",
        "provisioningErrors": None,
        "resourceId": properties.get("resourceId"),
        "isAttachedCompute": attached,
        "disableLocalAuth": False,
    }


def _nodes(details: Document) -> Document:
    """Return what a cluster says of its nodes: as many idle ones as it keeps."""
    scale = details.get("scaleSettings") or {"minNodeCount": 0, "maxNodeCount": 1}
    kept = scale.get("minNodeCount") or 0
    kinds = ("preparing", "running", "unusable", "leaving", "preempted")
    return {
        "vmPriority": details.get("vmPriority") or "Dedicated",
        "scaleSettings": scale,
        "subnet": details.get("subnet"),
        "allocationState": "Steady",
        "allocationStateTransitionTime": now(),
        "currentNodeCount": kept,
        "targetNodeCount": kept,
        "nodeStateCounts": {f"{kind}NodeCount": 0 for kind in kinds} | {"idleNodeCount": kept},
        "errors": None,
    }


def _cluster(details: Document) -> Document:
    """Return what a Kubernetes cluster says of itself, for which this machine stands."""
    by_default: Document = {"agentVmSize": "Standard_D3_v2", "agentCount": 3, "clusterPurpose": "FastProd"}
    by_default |= {"clusterFqdn": "localhost", "loadBalancerType": "PublicIp", "loadBalancerSubnet": None}
    return {**by_default, "systemServices": [], **details}


def _operation(call: Call) -> dict[str, str]:
    area = f"/subscriptions/{call.path['subscription']}/providers/Microsoft.MachineLearningServices"
    address = f"{call.service.url}{area}/locations/{LOCATION}/computeOperationsStatus/{call.path['name']}"
    return {"Azure-AsyncOperation": address, "Location": address}


def _patch(call: Call) -> Reply:
    # the SDK packs identities twice
    given: Document = json.loads(call.json) if isinstance(call.json, str) else call.json
    changes = (given.get("properties") or {}).get("properties") or {}
    found = target(call)
    details = found["properties"]["properties"]
    if "scaleSettings" in changes:
        scale = {**details["scaleSettings"], **changes["scaleSettings"]}
        details |= _nodes({**details, "scaleSettings": scale})
    if "identity" in given:
        found["identity"] = _identity(given["identity"] or {"type": "None"})
    found["properties"]["modifiedOn"] = now()
    return Reply(call.state.put("computes", found["name"], found), 200, _operation(call))


def _identity(given: Document) -> Document:
    """Return the identity with ids, those of a person assigned ones too, as the SDK reads them."""
    own = {"principalId": str(uuid.uuid4()), "tenantId": TENANT} if "System" in given["type"] else {}
    assigned = {name: {"clientId": str(uuid.uuid4())} for name in given.get("userAssignedIdentities") or ()}
    return {**given, **own} | ({"userAssignedIdentities": assigned} if assigned else {})


def _delete(call: Call) -> Reply:
    name = target(call)["name"]
    call.state.delete("computes", name)
    keyvault.of_system(call.state).delete(f"compute-{name}")
    return Reply({}, 202, _operation(call))


def _list(call: Call) -> Document:
    return {"value": call.state.all("computes")}


def _keys(call: Call) -> Document:
    found = target(call)
    secret = keyvault.of_system(call.state).get(f"compute-{found['name']}")
    return {"computeType": found["properties"]["computeType"], **(secret["value"] if secret else {})}


def _node_list(call: Call) -> Document:
    kept = target(call)["properties"]["properties"].get("currentNodeCount", 0)
    nodes = [
        {
            "nodeId": f"node-{number}",
            "privateIpAddress": "127.0.0.1",
            "publicIpAddress": None,
            "port": 22,
            "nodeState": "idle",
            "runId": None,
        }
        for number in range(kept)
    ]
    return {"nodes": nodes}


def _state_change(call: Call) -> Reply:
    found = target(call)
    found["properties"]["properties"]["state"] = (
        "Stopped" if call.path["what"].lower() == "stop" else "Running"
    )
    return Reply(call.state.put("computes", found["name"], found), 202, _operation(call))


def _succeeded(_: Call) -> Document:
    return {"status": "Succeeded", "error": None}


def _sizes(_: Call) -> Document:
    return {"amlCompute": machine_sizes(), "value": machine_sizes()}


def _available(call: Call) -> Document:
    name = next(value for key, value in call.json.items() if key.lower() == "name")
    taken = call.state.get("computes", name) is not None
    reason = {"reason": "AlreadyExists", "message": "there is a compute target of this name"} if taken else {}
    return {"nameAvailable": not taken, **reason}


def _usages(_: Call) -> Document:
    return {"value": []}


_AREA = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"

ROUTES = [
    made
    for base in (f"{WORKSPACE}/computes", f"/rp/workspaces{WORKSPACE}/computes")
    for made in (
        route("GET", base, _list),
        route("GET", f"{base}/{{name}}", target),
        route("PUT", f"{base}/{{name}}", _put),
        route("PATCH", f"{base}/{{name}}", _patch),
        route("DELETE", f"{base}/{{name}}", _delete),
        route("POST", f"{base}/{{name}}/listKeys", _keys),
        route("POST", f"{base}/{{name}}/listNodes", _node_list),
        route("POST", f"{base}/{{name}}/{{what}}", _state_change),
    )
]
ROUTES += [
    route("POST", f"{WORKSPACE}/checkComputeNameAvailability", _available),
    route("GET", f"{_AREA}/computeOperationsStatus/{{name}}", _succeeded),
    route("GET", f"{_AREA}/vmSizes", _sizes),
    route("GET", f"{_AREA}/usages", _usages),
    route("GET", f"{_AREA}/Quotas", _usages),
]
