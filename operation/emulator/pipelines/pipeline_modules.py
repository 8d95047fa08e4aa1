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
    given = {name: call.json.get(name) for name in ("Name", "Description")}
    return kept(call.state, SHARED, entity(**given, Versions=[], DefaultVersion=None))


def _update(call: Call) -> Document:
    made = merged(call, SHARED)
    numbers = [one["Version"] for one in made["Versions"] or []]
    if numbers and made.get("DefaultVersion") not in numbers:
        made["DefaultVersion"] = numbers[0]
    return kept(call.state, SHARED, made)


def _new_version(call: Call) -> Document:
    wanted = call.json
    shared = found(call.state, SHARED, wanted["AmlModuleId"])
    version = wanted.get("Version") or str(len(shared["Versions"] or []))
    made = module({**wanted, "AmlModuleId": shared["Id"], "Version": version})
    return _shown(kept(call.state, MODULES, made))


def _version(call: Call) -> Document:
    return _shown(found(call.state, MODULES, call.path["id"]))


def _changed_version(call: Call) -> Document:
    known = found(call.state, MODULES, call.path["id"])
    return _shown(kept(call.state, MODULES, {**known, **(call.json.get("Data") or {}), "Id": known["Id"]}))


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
