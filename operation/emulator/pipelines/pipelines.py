"""What a pipeline is made of, as the SDK registers it: data types, modules, data sources, graphs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from operation.emulator.http import WORKSPACE, Call, HttpError, ServiceRoute, known, nothing, route
from operation.emulator.state import Document, State, now

MODULES, SOURCES = "pipeline-modules", "pipeline-data-sources"
GRAPHS, TYPES = "pipeline-graphs", "pipeline-data-types"
_AZURE = ("Blob", "DataLake", "Files", "SqlDatabase", "PostgresDatabase", "DataLakeGen2", "MySqlDatabase")
_REFERENCES = (*(f"Azure{kind}" for kind in _AZURE), "DBFS")
_FILE_TYPES = ("AnyFile", "AzureMLDataset", *(f"{kind}Reference" for kind in _REFERENCES))


def part(methods: str, path: str, answer: Callable[[Call], object]) -> ServiceRoute:
    """Return the route under the pipelines' address."""
    return route(methods, f"/pipelines/v1.0{WORKSPACE}{path}", answer)


def entity(**fields: object) -> Document:
    """Return what every stored entity has, with `fields`."""
    at = now()
    identity = {"Id": str(uuid.uuid4()), "EntityStatus": "0", "Etag": None}
    return {**identity, "CreatedDate": at, "LastModifiedDate": at, **fields}


def found(state: State, kind: str, name: str) -> Document:
    """Return the entity; raise `HttpError` 404 naming what there is none of."""
    return known(
        state, kind, name, f"there is no pipeline {_what(kind)} {name!r} in this workspace", "NotFound"
    )


def kept(state: State, kind: str, document: Document) -> Document:
    """Keep an entity under its id."""
    return state.put(kind, document["Id"], document)


def created(kind: str) -> Callable[[Call], Document]:
    """Return the answer that keeps what is sent as a new entity."""
    return lambda call: kept(call.state, kind, {**call.json, **entity()})


def by_id(kind: str) -> Callable[[Call], Document]:
    """Return the answer that gives the entity whose id the path has."""
    return lambda call: found(call.state, kind, call.path["id"])


def merged(call: Call, kind: str, **fields: object) -> Document:
    """Return the entity whose id the path has, with what is sent over it."""
    before = found(call.state, kind, call.path["id"])
    return {**before, **call.json, "Id": before["Id"], "LastModifiedDate": now(), **fields}


def changed(kind: str) -> Callable[[Call], Document]:
    """Return the answer that keeps the entity with what is sent over it."""
    return lambda call: kept(call.state, kind, merged(call, kind))


def deleted(kind: str) -> Callable[[Call], Document]:
    """Return the answer that forgets the entity."""

    def answer(call: Call) -> Document:
        call.state.delete(kind, found(call.state, kind, call.path["id"])["Id"])
        return nothing(call)

    return answer


def by_name(kind: str) -> Callable[[Call], Document]:
    """Return the answer that gives the newest entity with the name that the query asks for."""

    def answer(call: Call) -> Document:
        name = call.query.get("Name") or call.query.get("name") or ""
        matches = [entry for entry in call.state.all(kind) if entry["Name"] == name]
        return matches[-1] if matches else found(call.state, kind, name)

    return answer


def refuse_twice(call: Call, kind: str) -> None:
    """Raise `HttpError` 409 where there is an entity with the name that the call's document gives."""
    name = call.json["Name"]
    if any(entry["Name"] == name for entry in call.state.all(kind)):
        raise HttpError(f"there is a pipeline {_what(kind)} {name!r} already", "Conflict", 409)


def _what(kind: str) -> str:
    return kind.removeprefix("pipeline-").removesuffix("s").replace("-", " ")


def graph(state: State, nodes: Document, interface: Document | None) -> Document:
    """Keep a graph with its interface, so that runs and publications can refer to it."""
    document = entity(**{name: value for name, value in nodes.items() if value is not None and name != "Id"})
    document["Interface"] = interface or {}
    return kept(state, GRAPHS, document)


def _types(call: Call) -> list[Document]:
    built_in = [_type(name, directory=False) for name in _FILE_TYPES]
    return [*built_in, _type("AnyDirectory", directory=True), *call.state.all(TYPES)]


def _type(name: str, *, directory: bool) -> Document:
    return entity(Id=name, Name=name, Description=name, IsDirectory=directory, ParentDataTypeIds=[])


def _new_type(call: Call) -> Document:
    request = call.json
    if any(data_type["Id"] == request["Id"] for data_type in _types(call)):
        raise HttpError(f"Data type {request['Id']} already exists", "BadRequest")
    return kept(call.state, TYPES, entity(**request))


def _replaced(kind: str) -> Callable[[Call], Document]:
    def answer(call: Call) -> Document:
        found(call.state, kind, call.path["id"])
        return kept(call.state, kind, {**call.json, "Id": call.path["id"]})

    return answer


def module(request: Document) -> Document:
    """Return a module as it is kept, made of what the SDK asks for."""
    document = entity(**{**request, "UploadState": "Completed", "EntityStatus": "0"})
    return {**document, "IsDeterministic": request.get("IsDeterministic", True)}


def _of_hash(kind: str, represent: Callable[[Document], Document]) -> Callable[[Call], Document]:
    def answer(call: Call) -> Document:
        fingerprint = call.path["hash"]
        same = [entry for entry in call.state.all(kind) if entry.get("IdentifierHash") == fingerprint]
        if not same:
            raise HttpError(f"nothing has the fingerprint {fingerprint}", "NotFound", 404)
        return represent(same[-1])

    return answer


def described(document: Document) -> Document:
    """Return a module with its interface: its parameters and ports."""
    structure = document["StructuredInterface"]
    ports = {
        "Inputs": [_input(port) for port in structure.get("Inputs") or []],
        "Outputs": [_output(output) for output in structure.get("Outputs") or []],
    }
    plain = [_parameter(parameter) for parameter in structure.get("Parameters") or []]
    meta = [_parameter(parameter) for parameter in structure.get("MetadataParameters") or []]
    return {"Data": document, "Interface": {"Parameters": plain, "MetadataParameters": meta, "Ports": ports}}


def _parameter(document: Document) -> Document:
    named = {name: document.get(name) for name in ("Name", "DefaultValue", "IsOptional")}
    return {**named, "Documentation": None, "Type": "3", "MinMaxRules": [], "EnumRules": []}


def _input(document: Document) -> Document:
    optional = bool(document.get("IsOptional"))
    named = {"Name": document["Name"], "Documentation": document.get("Label"), "IsOptional": optional}
    return {**named, "DataTypesIds": document.get("DataTypeIdsList") or []}


def _output(document: Document) -> Document:
    return {
        "Name": document["Name"],
        "Documentation": document.get("Label"),
        "DataTypeId": document.get("DataTypeId"),
    }


def _new_source(call: Call) -> Document:
    request = call.json
    blob = {"RelativePath": request.get("PathOnDataStore"), "AmlDataStoreName": request.get("DataStoreName")}
    kept_fields = {
        name: request.get(name) for name in ("Name", "DataTypeId", "Description", "IdentifierHash")
    }
    location = {"StorageType": "0", "DataReference": {"Type": "1", "AzureBlobReference": blob}}
    source = entity(**kept_fields, UploadState="Completed", DataLocation=location)
    return kept(call.state, SOURCES, source)


def _graph(call: Call) -> Document:
    document = found(call.state, GRAPHS, call.path["id"])
    return {name: value for name, value in document.items() if name != "Interface"}


def _graph_interface(call: Call) -> Any:
    return found(call.state, GRAPHS, call.path["id"])["Interface"]


ROUTES = [
    part("GET", "/DataTypes", _types),
    part("POST", "/DataTypes", _new_type),
    part("PUT", "/DataTypes/{id}", _replaced(TYPES)),
    part("POST", "/Modules", lambda call: kept(call.state, MODULES, module(call.json))),
    part("GET", "/Modules/Hash/{hash}", _of_hash(MODULES, described)),
    part("GET", "/Modules/{id}", lambda call: described(found(call.state, MODULES, call.path["id"]))),
    part("POST", "/DataSources", _new_source),
    part("GET", "/DataSources/Hash/{hash}", _of_hash(SOURCES, dict)),
    part("GET", "/DataSources/{id}", by_id(SOURCES)),
    part("PUT", "/DataSources/{id}", _replaced(SOURCES)),
    part("GET", "/Graphs/{id}", _graph),
    part("GET", "/Graphs/{id}/Interface", _graph_interface),
]
