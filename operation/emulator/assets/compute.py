"""Compute targets: clusters that are created and machines that are attached, all of them this machine."""

import json
import uuid

from operation.emulator.access.workspace import LOCATION
from operation.emulator.assets import keyvault
from operation.emulator.http import WORKSPACE, Call, Reply, known, route
from operation.emulator.state import Document, now, shaped
from operation.emulator.tokens import PERSON, TENANT

# where each kind of target has its credentials: kept apart, and given out to listKeys alone
CREDENTIALS = ("administratorAccount", "userAccountCredentials", "databricksAccessToken")


SIZES = {  # names by family, each with its cores; the memory is that of the family, in GB for each core
    ("D{}_v2", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8, 5: 16},
    ("DS{}_v2", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8, 5: 16},
    ("D1{}_v2", 7): {1: 2, 2: 4, 3: 8, 4: 16},
    ("DS1{}_v2", 7): {1: 2, 2: 4, 3: 8, 4: 16},
    ("D{}_v3", 4): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("D{}s_v3", 4): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("E{}s_v3", 8): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("F{}s_v2", 2): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("D{}", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8},
    ("NC{}", 9): {6: 6, 12: 12, 24: 24},
    ("NC{}s_v3", 18): {6: 6, 12: 12, 24: 24},
}


def machine_sizes() -> list[Document]:
    """Return every size as the service describes it: cores, memory in GB, GPUs."""
    return [
        _size(name.format(number), cores, cores * memory, cores // 6 if name[0] == "N" else 0)
        for (name, memory), numbers in SIZES.items()
        for number, cores in numbers.items()
    ]


def _size(name: str, cores: int, memory: float, gpus: int) -> Document:
    family = f"Standard_{name}".rpartition("_")[0]
    facts = {"cores": cores, "gpus": gpus, "memory": memory, "disk": int(memory * 2_048)}
    return shaped("machine size", name=name, family=family, **facts)


def target(call: Call) -> Document:
    """Return the target that the call names; raise `HttpError` 404 when there is none."""
    name, group = call.path["name"], call.path["group"]
    message = f"The Resource 'Microsoft.MachineLearningServices/workspaces/{call.workspace}/computes/{name}'"
    message = f"{message} under resource group '{group}' was not found."
    return known(call.state, "computes", name, message, "ResourceNotFound")


def _put(call: Call) -> Reply:
    name, request = call.path["name"], call.json
    properties: Document = request["properties"]
    details: Document = dict(properties.get("properties") or {})
    secret = {key: details.pop(key) for key in CREDENTIALS if details.get(key)}
    if secret:
        keyvault.system_vault(call.state).set(f"compute-{name}", secret)
    if "userAccountCredentials" in secret:  # the name is no secret, and the SDK shows it
        name_alone = {"adminUserName": secret["userAccountCredentials"].get("adminUserName")}
        details["userAccountCredentials"] = name_alone
    if properties["computeType"] == "AmlCompute":
        details |= _nodes(details)
    if properties["computeType"] == "AKS":  # for which this machine stands
        details = shaped("AKS cluster") | details
    if properties["computeType"] == "ComputeInstance":
        details = shaped("compute instance", name=name, person=PERSON, tenant=TENANT) | details
    compute = {
        "id": f"{call.resource}/computes/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/computes",
        "location": request.get("location") or LOCATION,
        "tags": request.get("tags"),
        "properties": {**_facts(properties), "properties": details},
    }
    if request.get("identity"):  # where there is none the word must be missing too
        compute["identity"] = _identity(request["identity"])
    before = call.state.get("computes", name)
    if before:
        compute["properties"]["createdOn"] = before["properties"]["createdOn"]
    return Reply(call.state.put("computes", name, compute), 200 if before else 201, _operation(call))


def _facts(properties: Document) -> Document:
    chosen = {name: properties[name] for name in ("computeLocation", "description") if properties.get(name)}
    at = properties.get("resourceId")
    attached = {"resourceId": at, "isAttachedCompute": bool(at)}
    return shaped("compute", kind=properties["computeType"]) | chosen | attached


def _nodes(details: Document) -> Document:
    """Return what a cluster says of its nodes: as many idle ones as it keeps."""
    nodes = shaped("nodes of a cluster")
    nodes |= {name: details[name] for name in ("vmPriority", "scaleSettings", "subnet") if details.get(name)}
    minimum = nodes["scaleSettings"].get("minNodeCount") or 0
    nodes["nodeStateCounts"]["idleNodeCount"] = minimum
    return nodes | {"currentNodeCount": minimum, "targetNodeCount": minimum}


def _operation(call: Call) -> dict[str, str]:
    area = f"/subscriptions/{call.path['subscription']}/providers/Microsoft.MachineLearningServices"
    address = f"{call.service.url}{area}/locations/{LOCATION}/computeOperationsStatus/{call.path['name']}"
    return {"Azure-AsyncOperation": address, "Location": address}


def _patch(call: Call) -> Reply:
    # the SDK packs identities twice
    request: Document = json.loads(call.json) if isinstance(call.json, str) else call.json
    changes = (request.get("properties") or {}).get("properties") or {}
    compute = target(call)
    details = compute["properties"]["properties"]
    if "scaleSettings" in changes:
        scale = {**details["scaleSettings"], **changes["scaleSettings"]}
        details |= _nodes({**details, "scaleSettings": scale})
    if "identity" in request:
        compute["identity"] = _identity(request["identity"] or {"type": "None"})
    compute["properties"]["modifiedOn"] = now()
    return Reply(call.state.put("computes", compute["name"], compute), 200, _operation(call))


def _identity(identity: Document) -> Document:
    """Return the identity with ids, those of a person assigned ones too, as the SDK reads them."""
    own = {"principalId": str(uuid.uuid4()), "tenantId": TENANT} if "System" in identity["type"] else {}
    names = identity.get("userAssignedIdentities") or ()
    assigned = {name: {"clientId": str(uuid.uuid4())} for name in names}
    return {**identity, **own} | ({"userAssignedIdentities": assigned} if assigned else {})


def _delete(call: Call) -> Reply:
    name = target(call)["name"]
    call.state.delete("computes", name)
    keyvault.system_vault(call.state).delete(f"compute-{name}")
    return Reply({}, 202, _operation(call))


def _keys(call: Call) -> Document:
    compute = target(call)
    secret = keyvault.system_vault(call.state).get(f"compute-{compute['name']}")
    return {"computeType": compute["properties"]["computeType"], **(secret["value"] if secret else {})}


def _node_list(call: Call) -> Document:
    count = target(call)["properties"]["properties"].get("currentNodeCount", 0)
    return {"nodes": [shaped("node", number=number) for number in range(count)]}


def _state_change(call: Call) -> Reply:
    compute = target(call)
    stops = call.path["what"].lower() == "stop"
    compute["properties"]["properties"]["state"] = "Stopped" if stops else "Running"
    return Reply(call.state.put("computes", compute["name"], compute), 202, _operation(call))


def _succeeded(_: Call) -> Document:
    return {"status": "Succeeded", "error": None}


def _available(call: Call) -> Document:
    name = next(value for key, value in call.json.items() if key.lower() == "name")
    taken = call.state.get("computes", name) is not None
    reason = {"reason": "AlreadyExists", "message": "there is a compute target of this name"} if taken else {}
    return {"nameAvailable": not taken, **reason}


_AREA = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"

ROUTES = [
    made
    for base in (f"{WORKSPACE}/computes", f"/rp/workspaces{WORKSPACE}/computes")
    for made in (
        route("GET", base, lambda call: {"value": call.state.all("computes")}),
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
    route("GET", f"{_AREA}/vmSizes", lambda _: {"amlCompute": machine_sizes(), "value": machine_sizes()}),
    route("GET", f"{_AREA}/usages", lambda _: {"value": []}),
    route("GET", f"{_AREA}/Quotas", lambda _: {"value": []}),
]
