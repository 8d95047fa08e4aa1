"""Endpoints of AKS: several versions behind one address, each with its percentage of the requests."""

import secrets
from collections.abc import Mapping

from operation.emulator.assets.models import patch
from operation.emulator.http import HttpError
from operation.emulator.service import Service
from operation.emulator.services.service_document import new_service, version
from operation.emulator.services.serving import WebServices
from operation.emulator.state import Document, now

KIND = "AKSENDPOINT"
MOST_VERSIONS = 6
_RESTART = "environmentImageRequest"


def new_endpoint(service: Service, path: dict[str, str], request: Document, old: Document | None) -> Document:
    """Return a new endpoint as it is kept; its first version answers what no percentage says."""
    endpoint = new_service(service, path, {**request, "versions": {}}, old)
    for name, fields in (request.get("versions") or {}).items():
        endpoint["versions"][name] = version(endpoint, name, fields, default=True)
    return endpoint


def patched(document: Document, operations: list[Document]) -> tuple[Document, list[str]]:
    """Return the endpoint after a patch, and which of its versions are to be started anew."""
    before = {name: entry.get(_RESTART) for name, entry in document["versions"].items()}
    for operation in operations:
        if operation["op"] == "add" and operation["path"].startswith("/versions/"):
            name = operation["path"].rpartition("/")[2]
            document["versions"][name] = version(document, name, operation["value"])
        else:
            patch(document, operation)
    _check(document["versions"])
    document["updatedTime"] = now()
    return document, [name for name, new in document["versions"].items() if before.get(name) != new[_RESTART]]


def _check(versions: Mapping[str, Document]) -> None:
    total = sum(entry["trafficPercentile"] or 0 for entry in versions.values())
    if total > 100:
        raise HttpError(f"the versions' percentages of the traffic add up to {total:g}", "BadRequest")
    if len(versions) > MOST_VERSIONS:
        raise HttpError(f"an endpoint has {MOST_VERSIONS} versions at most", "BadRequest")
    if versions and sum(bool(entry["isDefault"]) for entry in versions.values()) != 1:
        raise HttpError("one version of an endpoint is its default, and no more than one", "BadRequest")


def start(service: Service, workspace: str, document: Document, names: list[str]) -> dict[str, str | None]:
    """Start versions; return why each does not answer, None for one that does."""
    return {
        name: service.part(WebServices).start(
            workspace, key(document, name), document["versions"][name][_RESTART]
        )
        for name in names
    }


def ended(document: Document, errors: Mapping[str, str | None]) -> Document:
    """Return the endpoint with the state that each started version has come to."""
    for name, error in errors.items():
        if name in document["versions"]:
            document["versions"][name]["state"] = "Failed" if error else "Healthy"
    healthy = any(entry["state"] == "Healthy" for entry in document["versions"].values())
    return {**document, "state": "Healthy" if healthy else "Failed"}


def key(document: Document, name: str) -> str:
    """Return the name under which a version's process is found."""
    return f"{document['name']}.{name}"


def keys(document: Document) -> list[str]:
    """Return the names under which the processes are found: of all versions, or of the one service."""
    if document["computeType"] != KIND:
        return [document["name"]]
    return [key(document, name) for name in document["versions"]]


def choose_version(document: Document) -> str:
    """Return the version that answers a request: drawn by percentage, the rest is the default's."""
    draw = secrets.randbelow(10_000) / 100
    for name, item in document["versions"].items():
        share = item["trafficPercentile"] or 0
        if draw < share:
            return str(name)
        draw -= share
    return next(str(name) for name, entry in document["versions"].items() if entry["isDefault"])
