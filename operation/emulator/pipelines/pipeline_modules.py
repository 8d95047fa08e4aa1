"""Modules that teams share between pipelines: a name with versions, each of them a script step."""

from __future__ import annotations

from operation.emulator.http import Call
from operation.emulator.pipelines.pipelines import (
    MODULES,
    by_id,
    by_name,
    described,
    entity,
    found,
    kept,
    merged,
    module,
    part,
    refuse_twice,
)
from operation.emulator.state import Document

SHARED = "pipeline-shared-modules"


def _create(call: Call) -> Document:
    refuse_twice(call, SHARED)
    fields = {name: call.json.get(name) for name in ("Name", "Description")}
    return kept(call.state, SHARED, entity(**fields, Versions=[], DefaultVersion=None))


def _update(call: Call) -> Document:
    shared = merged(call, SHARED)
    numbers = [version["Version"] for version in shared["Versions"] or []]
    if numbers and shared.get("DefaultVersion") not in numbers:
        shared["DefaultVersion"] = numbers[0]
    return kept(call.state, SHARED, shared)


def _new_version(call: Call) -> Document:
    request = call.json
    shared = found(call.state, SHARED, request["AmlModuleId"])
    version = request.get("Version") or str(len(shared["Versions"] or []))
    version_document = module({**request, "AmlModuleId": shared["Id"], "Version": version})
    return _shown(kept(call.state, MODULES, version_document))


def _version(call: Call) -> Document:
    return _shown(found(call.state, MODULES, call.path["id"]))


def _changed_version(call: Call) -> Document:
    before = found(call.state, MODULES, call.path["id"])
    return _shown(kept(call.state, MODULES, {**before, **(call.json.get("Data") or {}), "Id": before["Id"]}))


def _shown(document: Document) -> Document:
    return {"ModuleId": document["AmlModuleId"], "Version": document["Version"], **described(document)}


ROUTES = [
    part("POST", "/AzureMLModules", _create),
    part("GET", "/AzureMLModules/Name", by_name(SHARED)),
    part("GET", "/AzureMLModules/{id}", by_id(SHARED)),
    part("PUT", "/AzureMLModules/{id}", _update),
    part("POST", "/AzureMLModuleVersions", _new_version),
    part("GET", "/AzureMLModuleVersions/{id}", _version),
    part("PUT", "/AzureMLModuleVersions/{id}", _changed_version),
]
