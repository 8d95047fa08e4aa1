"""What a web service is on paper: the fields that the SDK expects, with what Azure takes by default."""

from __future__ import annotations

import secrets

from operation.emulator.assets.compute import machine_sizes
from operation.emulator.assets.models import model
from operation.emulator.documents import shaped
from operation.emulator.http import Call, HttpError
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now

KIND = "services"
KINDS = ("ACI", "AKS", "AKSENDPOINT")
_NOT_KEPT = ("overwrite", "keys")
_NOT_SHOWN = ("keys",)
# https://learn.microsoft.com/azure/container-instances/container-instances-resource-and-quota-limits
_MOST_CORES, _MOST_GB = 4, 16


def known(call: Call) -> Document:
    """Return the web service that a call names; raise `HttpError` 404 when there is none."""
    name = call.path["name"]
    found = call.state.get(KIND, name)
    if found is None:
        there = ", ".join(one["name"] for one in call.state.all(KIND)) or "none"
        raise HttpError(f"there is no web service {name!r}; there is: {there}", "ServiceNotFound", 404)
    return found


def described(service: Service, path: dict[str, str], wanted: Document, before: Document | None) -> Document:
    """Return the service as it is kept: what was asked for over what Azure takes by default."""
    kind = wanted["computeType"]
    given = {name: value for name, value in wanted.items() if value is not None and name not in _NOT_KEPT}
    made: Document = merged(shaped(kind), given)
    if made.get("aadAuthEnabled"):
        made["authEnabled"] = False  # one or the other
    front = f"{service.url}/services/{path['workspace']}/{wanted['name']}"
    times = {"createdTime": before["createdTime"] if before else now(), "updatedTime": now()}
    empty: Document = {
        "kvTags": {},
        "properties": {},
        "description": None,
        "createdBy": {"userName": "emulator"},
    }
    own = {"id": wanted["name"], "scoringUri": f"{front}/score", "keys": _keys(wanted, before)}
    return {**empty, **made, **own, **times, "imageId": None, "deploymentType": None}


def version(endpoint: Document, name: str, wanted: Document, *, default: bool = False) -> Document:
    """Return a version of an endpoint as it is kept; it can be asked alone, at an address of its own."""
    given = {key: value for key, value in wanted.items() if value is not None and key not in _NOT_KEPT}
    alone = f"{endpoint['scoringUri'].removesuffix('/score')}/{name}/score"
    own: Document = {"name": name, "computeType": "AKS", "scoringUri": alone, "state": "Transitioning"}
    own |= {"computeName": endpoint["computeName"], "createdTime": now(), "updatedTime": now()}
    own |= {name: endpoint[name] for name in ("authEnabled", "aadAuthEnabled")}
    first: Document = {"isDefault": default, "type": "Control" if default else "Treatment"}
    first |= {"trafficPercentile": 0, "kvTags": {}, "properties": {}, "description": None}
    return {**first, **merged(shaped("AKS"), given), **own, "imageId": None, "deploymentType": None}


def merged(defaults: Document, given: Document) -> Document:
    """Return `given` over `defaults`, sections within too."""
    made = {**defaults, **given}
    for name, section in defaults.items():
        if isinstance(section, dict) and isinstance(given.get(name), dict):
            made[name] = {
                **section,
                **{key: value for key, value in given[name].items() if value is not None},
            }
    return made


def shown(state: State, document: Document) -> Document:
    """Return the service as the SDK reads it: with its models, without its keys."""
    plain = {name: value for name, value in document.items() if name not in _NOT_SHOWN}
    if "versions" in document:
        versions = {name: shown(state, one) for name, one in document["versions"].items()}
        served = [one for version in versions.values() for one in version["models"]]
        return {**plain, "versions": versions, "models": served}
    identities = (document.get("environmentImageRequest") or {}).get("modelIds") or []
    there = [identity for identity in identities if state.get("models", identity)]
    return {**plain, "models": [model(state, identity) for identity in there]}


def _keys(wanted: Document, before: Document | None) -> Document:
    given = {name: value for name, value in (wanted.get("keys") or {}).items() if value}
    fresh = {name: secrets.token_urlsafe(24) for name in ("primaryKey", "secondaryKey")}
    return {**fresh, **(before["keys"] if before else {}), **given}


def too_much(state: State, wanted: Document) -> str | None:
    """Return why a service asks for more than there is, or None."""
    if wanted.get("computeType") == "ACI":
        needs = wanted.get("containerResourceRequirements") or {}
        cores, memory = needs.get("cpu") or 0, needs.get("memoryInGB") or 0
        if cores > _MOST_CORES or memory > _MOST_GB:
            most = f"{_MOST_CORES} cores and {_MOST_GB} GB are the most"
            return f"a container asks for {cores:g} cores and {memory:g} GB, and {most}"
        return None
    cluster = state.get("computes", wanted.get("computeName") or "")
    if cluster is None:
        return None  # refused for that when it is created
    has = _cores(cluster["properties"].get("properties") or {})
    asked = sum(_asked(one) for one in (wanted.get("versions") or {"": wanted}).values())
    if asked <= has:
        return None
    return f"the replicas ask for {asked:g} cores, and the cluster {wanted['computeName']} has {has:g}"


def _cores(cluster: Document) -> float:
    sizes = {one["name"].lower(): one["vCPUs"] for one in machine_sizes()}
    return float(sizes.get(str(cluster.get("agentVmSize")).lower(), 4) * (cluster.get("agentCount") or 3))


def _asked(version: Document) -> float:
    """Return the cores of all replicas that are always there."""
    each = (version.get("containerResourceRequirements") or {}).get("cpu") or 0.1
    scaling = version.get("autoScaler") or {}
    return float(each * (version.get("numReplicas") or scaling.get("minReplicas") or 1))
