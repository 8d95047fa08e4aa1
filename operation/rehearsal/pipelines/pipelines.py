"""What a pipeline is made of, as the SDK registers it: data types, modules, data sources, graphs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from starlette.routing import Route

from operation.rehearsal.clock import now
from operation.rehearsal.http import WORKSPACE, Call, Refused, Reply, route
from operation.rehearsal.state import Document, State

PIPELINES = f"/pipelines/v1.0{WORKSPACE}"
MODULES, SOURCES, GRAPHS, TYPES = (
    "pipeline-modules",
    "pipeline-data-sources",
    "pipeline-graphs",
    "pipeline-data-types",
)
_FILE_TYPES = (
    "AnyFile",
    "AzureBlobReference",
    "AzureDataLakeReference",
    "AzureFilesReference",
    "AzureSqlDatabaseReference",
    "AzurePostgresDatabaseReference",
    "AzureDataLakeGen2Reference",
    "AzureMLDataset",
    "AzureMySqlDatabaseReference",
    "DBFSReference",
)


def entity(**fields: object) -> Document:
    """Return what every stored entity has, with `fields`."""
    at = now()
    made = {"Id": str(uuid.uuid4()), "EntityStatus": "0", "Etag": None}
    return {**made, "CreatedDate": at, "LastModifiedDate": at, **fields}


def part(methods: str, path: str, answer: Callable[[Call], object]) -> Route:
    """Return the route under the pipelines' address; what it refuses, the pipelines' client can read."""

    def spoken(call: Call) -> object:
        try:
            return answer(call)
        except Refused as error:
            return refused(error.status, error.code, error.message)

    return route(methods, f"{PIPELINES}{path}", spoken)


def refused(status: int, code: str, message: str) -> Reply:
    """Return an error as the pipelines' client reads it: it looks for ``Error`` and not ``error``."""
    said: Document = {
        "Code": code,
        "Message": message,
        "Target": None,
        "Details": [],
        "InnerError": {"Code": code},
    }
    lower = {"code": code, "message": message}
    return Reply({"Error": said, "error": lower, "Correlation": {}}, status, {"x-ms-error-code": code})


def found(state: State, kind: str, name: str) -> Document:
    """Return the entity.

    Raises
    ------
    Refused
        404, naming what there is none of.
    """
    document = state.get(kind, name)
    if document is None:
        raise Refused(404, "NotFound", f"there is no pipeline {_what(kind)} {name!r} in this workspace")
    return document


def named(call: Call, kind: str) -> Document:
    """Return the newest entity with the name that the call's query asks for; raise `Refused` 404."""
    wanted = call.query.get("Name") or call.query.get("name")
    having = [one for one in call.state.all(kind) if one["Name"] == wanted]
    if not having:
        raise Refused(404, "NotFound", f"there is no pipeline {_what(kind)} {wanted!r} in this workspace")
    return having[-1]


def refuse_twice(call: Call, kind: str) -> None:
    """Raise `Refused` 409 where there is an entity with the name that the call's document gives."""
    wanted = call.json["Name"]
    if any(one["Name"] == wanted for one in call.state.all(kind)):
        raise Refused(409, "Conflict", f"there is a pipeline {_what(kind)} {wanted!r} already")


def _what(kind: str) -> str:
    return kind.removeprefix("pipeline-").removesuffix("s").replace("-", " ")


def kept(state: State, kind: str, document: Document) -> Document:
    """Keep an entity under its id."""
    return state.put(kind, document["Id"], document)


def graph(state: State, nodes: Document, interface: Document | None) -> Document:
    """Keep a graph with its interface, so that runs and publications can refer to it."""
    document = entity(**{name: value for name, value in nodes.items() if value is not None and name != "Id"})
    document["Interface"] = interface or {}
    return kept(state, GRAPHS, document)


def _types(call: Call) -> list[Document]:
    known = [_type(name, directory=False) for name in _FILE_TYPES]
    return [*known, _type("AnyDirectory", directory=True), *call.state.all(TYPES)]


def _type(name: str, *, directory: bool) -> Document:
    return entity(Id=name, Name=name, Description=name, IsDirectory=directory, ParentDataTypeIds=[])


def _new_type(call: Call) -> object:
    wanted = call.json
    if any(one["Id"] == wanted["Id"] for one in _types(call)):
        return refused(400, "BadRequest", f"Data type {wanted['Id']} already exists")
    return kept(call.state, TYPES, entity(**wanted))


def _changed_type(call: Call) -> Document:
    found(call.state, TYPES, call.path["id"])
    return kept(call.state, TYPES, {**call.json, "Id": call.path["id"]})


def _new_module(call: Call) -> Document:
    return kept(call.state, MODULES, module(call.json))


def module(wanted: Document) -> Document:
    """Return a module as it is kept, made of what the SDK asks for."""
    made = entity(**{**wanted, "UploadState": "Completed", "EntityStatus": "0"})
    return {**made, "IsDeterministic": wanted.get("IsDeterministic", True)}


def _module(call: Call) -> Document:
    return described(found(call.state, MODULES, call.path["id"]))


def _module_of_hash(call: Call) -> object:
    return _of_hash(call, MODULES, described)


def _of_hash(call: Call, kind: str, shown: Any) -> object:
    wanted = call.path["hash"]
    same = [one for one in call.state.all(kind) if one.get("IdentifierHash") == wanted]
    return shown(same[-1]) if same else refused(404, "NotFound", f"nothing has the fingerprint {wanted}")


def described(document: Document) -> Document:
    """Return a module with its interface: its parameters and ports."""
    structure = document["StructuredInterface"]
    ports = {
        "Inputs": [_input(one) for one in structure.get("Inputs") or []],
        "Outputs": [_output(one) for one in structure.get("Outputs") or []],
    }
    plain = [_parameter(one) for one in structure.get("Parameters") or []]
    meta = [_parameter(one) for one in structure.get("MetadataParameters") or []]
    return {"Data": document, "Interface": {"Parameters": plain, "MetadataParameters": meta, "Ports": ports}}


def _parameter(one: Document) -> Document:
    named = {name: one.get(name) for name in ("Name", "DefaultValue", "IsOptional")}
    return {**named, "Documentation": None, "Type": "3", "MinMaxRules": [], "EnumRules": []}


def _input(one: Document) -> Document:
    optional = bool(one.get("IsOptional"))
    named = {"Name": one["Name"], "Documentation": one.get("Label"), "IsOptional": optional}
    return {**named, "DataTypesIds": one.get("DataTypeIdsList") or []}


def _output(one: Document) -> Document:
    return {"Name": one["Name"], "Documentation": one.get("Label"), "DataTypeId": one.get("DataTypeId")}


def _new_source(call: Call) -> Document:
    wanted = call.json
    blob = {"RelativePath": wanted.get("PathOnDataStore"), "AmlDataStoreName": wanted.get("DataStoreName")}
    kept_fields = {name: wanted.get(name) for name in ("Name", "DataTypeId", "Description", "IdentifierHash")}
    location = {"StorageType": "0", "DataReference": {"Type": "1", "AzureBlobReference": blob}}
    made = entity(**kept_fields, UploadState="Completed", DataLocation=location)
    return kept(call.state, SOURCES, made)


def _source(call: Call) -> Document:
    return found(call.state, SOURCES, call.path["id"])


def _source_of_hash(call: Call) -> object:
    return _of_hash(call, SOURCES, lambda one: one)


def _changed_source(call: Call) -> Document:
    found(call.state, SOURCES, call.path["id"])
    return kept(call.state, SOURCES, {**call.json, "Id": call.path["id"]})


def _graph(call: Call) -> Document:
    document = found(call.state, GRAPHS, call.path["id"])
    return {name: value for name, value in document.items() if name != "Interface"}


def _graph_interface(call: Call) -> Any:
    return found(call.state, GRAPHS, call.path["id"])["Interface"]


ROUTES = [
    part("GET", "/DataTypes", _types),
    part("POST", "/DataTypes", _new_type),
    part("PUT", "/DataTypes/{id}", _changed_type),
    part("POST", "/Modules", _new_module),
    part("GET", "/Modules/Hash/{hash}", _module_of_hash),
    part("GET", "/Modules/{id}", _module),
    part("POST", "/DataSources", _new_source),
    part("GET", "/DataSources/Hash/{hash}", _source_of_hash),
    part("GET", "/DataSources/{id}", _source),
    part("PUT", "/DataSources/{id}", _changed_source),
    part("GET", "/Graphs/{id}", _graph),
    part("GET", "/Graphs/{id}/Interface", _graph_interface),
]
