"""What a web service is on paper: the fields that the SDK expects, with what Azure takes by default."""

import secrets

from operation.emulator.assets.compute import machine_sizes
from operation.emulator.assets.models import model
from operation.emulator.http import Call, HttpError
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now, shaped

KIND = "services"
KINDS = ("ACI", "AKS", "AKSENDPOINT")
_NOT_KEPT = ("overwrite", "keys")
_NOT_SHOWN = ("keys",)
# https://learn.microsoft.com/azure/container-instances/container-instances-resource-and-quota-limits
_MOST_CORES, _MOST_GB = 4, 16


def load(call: Call) -> Document:
    """Return the web service that a call names; raise `HttpError` 404 when there is none."""
    name = call.path["name"]
    document = call.state.get(KIND, name)
    if document is None:
        names = ", ".join(service_document["name"] for service_document in call.state.all(KIND)) or "none"
        raise HttpError(f"there is no web service {name!r}; there is: {names}", "ServiceNotFound", 404)
    return document


def new_service(service: Service, path: dict[str, str], request: Document, old: Document | None) -> Document:
    """Return the service as it is kept: what was asked for over what Azure takes by default."""
    kind = request["computeType"]
    fields = {name: value for name, value in request.items() if value is not None and name not in _NOT_KEPT}
    document: Document = merged(shaped(kind), fields)
    if document.get("aadAuthEnabled"):
        document["authEnabled"] = False  # one or the other
    front = f"{service.url}/services/{path['workspace']}/{request['name']}"
    times = {"createdTime": old["createdTime"] if old else now(), "updatedTime": now()}
    empty: Document = {
        "kvTags": {},
        "properties": {},
        "description": None,
        "createdBy": {"userName": "emulator"},
    }
    own = {"id": request["name"], "scoringUri": f"{front}/score", "keys": _keys(request, old)}
    return {**empty, **document, **own, **times, "imageId": None, "deploymentType": None}


def version(endpoint: Document, name: str, request: Document, *, default: bool = False) -> Document:
    """Return a version of an endpoint as it is kept; it can be asked alone, at an address of its own."""
    fields = {key: value for key, value in request.items() if value is not None and key not in _NOT_KEPT}
    alone = f"{endpoint['scoringUri'].removesuffix('/score')}/{name}/score"
    own: Document = {"name": name, "computeType": "AKS", "scoringUri": alone, "state": "Transitioning"}
    own |= {"computeName": endpoint["computeName"], "createdTime": now(), "updatedTime": now()}
    own |= {name: endpoint[name] for name in ("authEnabled", "aadAuthEnabled")}
    first: Document = {"isDefault": default, "type": "Control" if default else "Treatment"}
    first |= {"trafficPercentile": 0, "kvTags": {}, "properties": {}, "description": None}
    return {**first, **merged(shaped("AKS"), fields), **own, "imageId": None, "deploymentType": None}


def merged(defaults: Document, fields: Document) -> Document:
    """Return `fields` over `defaults`, sections within too."""
    result = {**defaults, **fields}
    for name, section in defaults.items():
        if isinstance(section, dict) and isinstance(fields.get(name), dict):
            result[name] = {
                **section,
                **{key: value for key, value in fields[name].items() if value is not None},
            }
    return result


def represent(state: State, document: Document) -> Document:
    """Return the service as the SDK reads it: with its models, without its keys."""
    fields = {name: value for name, value in document.items() if name not in _NOT_SHOWN}
    if "versions" in document:
        versions = {name: represent(state, entry) for name, entry in document["versions"].items()}
        served = [entry for version in versions.values() for entry in version["models"]]
        return {**fields, "versions": versions, "models": served}
    identities = (document.get("environmentImageRequest") or {}).get("modelIds") or []
    registered = [identity for identity in identities if state.get("models", identity)]
    return {**fields, "models": [model(state, identity) for identity in registered]}


def _keys(request: Document, before: Document | None) -> Document:
    chosen = {name: value for name, value in (request.get("keys") or {}).items() if value}
    generated = {name: secrets.token_urlsafe(24) for name in ("primaryKey", "secondaryKey")}
    return {**generated, **(before["keys"] if before else {}), **chosen}


def too_much(state: State, request: Document) -> str | None:
    """Return why a service asks for more than there is, or None."""
    if request.get("computeType") == "ACI":
        needs = request.get("containerResourceRequirements") or {}
        cores, memory = needs.get("cpu") or 0, needs.get("memoryInGB") or 0
        if cores > _MOST_CORES or memory > _MOST_GB:
            most = f"{_MOST_CORES} cores and {_MOST_GB} GB are the most"
            return f"a container asks for {cores:g} cores and {memory:g} GB, and {most}"
        return None
    cluster = state.get("computes", request.get("computeName") or "")
    if cluster is None:
        return None  # refused for that when it is created
    capacity = _cores(cluster["properties"].get("properties") or {})
    needed = sum(_asked(entry) for entry in (request.get("versions") or {"": request}).values())
    if needed <= capacity:
        return None
    return f"the replicas ask for {needed:g} cores, and the cluster {request['computeName']} has {capacity:g}"


def _cores(cluster: Document) -> float:
    sizes = {size["name"].lower(): size["vCPUs"] for size in machine_sizes()}
    return float(sizes.get(str(cluster.get("agentVmSize")).lower(), 4) * (cluster.get("agentCount") or 3))


def _asked(version: Document) -> float:
    """Return the cores of all replicas that are always there."""
    item = (version.get("containerResourceRequirements") or {}).get("cpu") or 0.1
    scaling = version.get("autoScaler") or {}
    return float(item * (version.get("numReplicas") or scaling.get("minReplicas") or 1))
