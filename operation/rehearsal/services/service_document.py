"""What a web service is on paper: the fields that the SDK expects, with what Azure takes by default."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from operation.rehearsal.assets.models import model
from operation.rehearsal.clock import now

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import Document, State

KIND = "services"
KINDS = ("ACI", "AKS")
_ACI: dict[str, Any] = {
    "appInsightsEnabled": False,
    "authEnabled": False,
    "cname": None,
    "containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 0.5},
    "encryptionProperties": None,
    "location": "loopback",
    "publicFqdn": "localhost",
    "publicIp": "127.0.0.1",
    "sslCertificate": None,
    "sslEnabled": False,
    "sslKey": None,
    "vnetConfiguration": None,
}
_AKS: dict[str, Any] = {
    "aadAuthEnabled": False,
    "appInsightsEnabled": False,
    "authEnabled": True,
    "autoScaler": {
        "autoscaleEnabled": True,
        "maxReplicas": 10,
        "minReplicas": 1,
        "refreshPeriodInSeconds": 1,
        "targetUtilization": 70,
    },
    "computeName": None,
    "containerResourceRequirements": {
        "cpu": 0.1,
        "cpuLimit": None,
        "memoryInGB": 0.5,
        "memoryInGBLimit": None,
        "gpu": None,
    },
    "dataCollection": {"eventHubEnabled": False, "storageEnabled": False},
    "deploymentStatus": None,
    "livenessProbeRequirements": {
        "failureThreshold": 3,
        "initialDelaySeconds": 310,
        "periodSeconds": 10,
        "successThreshold": 1,
        "timeoutSeconds": 2,
    },
    "maxConcurrentRequestsPerContainer": 1,
    "maxQueueWaitMs": 500,
    "namespace": "default",
    "numReplicas": None,
    "scoringTimeoutMs": 60_000,
}
_NOT_KEPT = ("overwrite", "keys")
_NOT_SHOWN = ("keys",)


def described(service: Service, path: dict[str, str], wanted: Document, before: Document | None) -> Document:
    """Return the service as it is kept: what was asked for over what Azure takes by default."""
    kind = wanted["computeType"]
    given = {name: value for name, value in wanted.items() if value is not None and name not in _NOT_KEPT}
    made: Document = merged(_ACI if kind == "ACI" else _AKS, given)
    if made.get("aadAuthEnabled"):
        made["authEnabled"] = False  # one or the other
    front = f"{service.url}/services/{path['workspace']}/{wanted['name']}"
    times = {"createdTime": before["createdTime"] if before else now(), "updatedTime": now()}
    empty: Document = {
        "kvTags": {},
        "properties": {},
        "description": None,
        "createdBy": {"userName": "rehearsal"},
    }
    own = {"id": wanted["name"], "scoringUri": f"{front}/score", "keys": _keys(wanted, before)}
    return {**empty, **made, **own, **times, "imageId": None, "deploymentType": None}


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
    served = (document.get("environmentImageRequest") or {}).get("modelIds") or []
    there = [identity for identity in served if state.get("models", identity)]
    plain = {name: value for name, value in document.items() if name not in _NOT_SHOWN}
    return {**plain, "models": [model(state, identity) for identity in there]}


def _keys(wanted: Document, before: Document | None) -> Document:
    given = {name: value for name, value in (wanted.get("keys") or {}).items() if value}
    fresh = {name: secrets.token_urlsafe(24) for name in ("primaryKey", "secondaryKey")}
    return {**fresh, **(before["keys"] if before else {}), **given}
