"""What a pipeline is made of, as the SDK registers it: data types, modules, data sources, graphs."""

from collections.abc import Callable
from typing import Any

from operation.emulator.http import Call, HttpError
from operation.emulator.pipelines.entities import (
    GRAPHS,
    MODULES,
    SOURCES,
    TYPES,
    by_id,
    by_name,
    entity,
    load,
    merged,
    part,
    refuse_twice,
    store,
)
from operation.emulator.state import Document

SHARED = "pipeline-shared-modules"  # modules that teams share: a name with versions
_AZURE = ("Blob", "DataLake", "Files", "SqlDatabase", "PostgresDatabase", "DataLakeGen2", "MySqlDatabase")
_REFERENCES = (*(f"Azure{kind}" for kind in _AZURE), "DBFS")
_FILE_TYPES = ("AnyFile", "AzureMLDataset", *(f"{kind}Reference" for kind in _REFERENCES))


def _types(call: Call) -> list[Document]:
    built_in = [_type(name, directory=False) for name in _FILE_TYPES]
    return [*built_in, _type("AnyDirectory", directory=True), *call.state.all(TYPES)]


def _type(name: str, *, directory: bool) -> Document:
    return entity(Id=name, Name=name, Description=name, IsDirectory=directory, ParentDataTypeIds=[])


def _new_type(call: Call) -> Document:
    request = call.json
    if any(data_type["Id"] == request["Id"] for data_type in _types(call)):
        raise HttpError(f"Data type {request['Id']} already exists", "BadRequest")
    return store(call.state, TYPES, entity(**request))


def _replaced(kind: str) -> Callable[[Call], Document]:
    def answer(call: Call) -> Document:
        load(call.state, kind, call.path["id"])
        return store(call.state, kind, {**call.json, "Id": call.path["id"]})

    return answer


def module(request: Document) -> Document:
    """Return a module as it is kept, made of what the SDK asks for."""
    document = entity(**{**request, "UploadState": "Completed", "EntityStatus": "0"})
    return {**document, "IsDeterministic": request.get("IsDeterministic", True)}


def _of_hash(kind: str, represent: Callable[[Document], Document]) -> Callable[[Call], Document]:
    def answer(call: Call) -> Document:
        fingerprint = call.path["hash"]
        same = call.state.where(kind, IdentifierHash=fingerprint)
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
    fields = {name: request.get(name) for name in ("Name", "DataTypeId", "Description", "IdentifierHash")}
    location = {"StorageType": "0", "DataReference": {"Type": "1", "AzureBlobReference": blob}}
    source = entity(**fields, UploadState="Completed", DataLocation=location)
    return store(call.state, SOURCES, source)


def _graph(call: Call) -> Document:
    document = load(call.state, GRAPHS, call.path["id"])
    return {name: value for name, value in document.items() if name != "Interface"}


def _graph_interface(call: Call) -> Any:
    return load(call.state, GRAPHS, call.path["id"])["Interface"]


def _new_shared(call: Call) -> Document:
    refuse_twice(call, SHARED)
    fields = {name: call.json.get(name) for name in ("Name", "Description")}
    return store(call.state, SHARED, entity(**fields, Versions=[], DefaultVersion=None))


def _changed_shared(call: Call) -> Document:
    shared = merged(call, SHARED)
    numbers = [version["Version"] for version in shared["Versions"] or []]
    if numbers and shared.get("DefaultVersion") not in numbers:
        shared["DefaultVersion"] = numbers[0]
    return store(call.state, SHARED, shared)


def _new_version(call: Call) -> Document:
    request = call.json
    shared = load(call.state, SHARED, request["AmlModuleId"])
    version = request.get("Version") or str(len(shared["Versions"] or []))
    version_document = module({**request, "AmlModuleId": shared["Id"], "Version": version})
    return _version_shown(store(call.state, MODULES, version_document))


def _version(call: Call) -> Document:
    return _version_shown(load(call.state, MODULES, call.path["id"]))


def _changed_version(call: Call) -> Document:
    before = load(call.state, MODULES, call.path["id"])
    return _version_shown(
        store(call.state, MODULES, {**before, **(call.json.get("Data") or {}), "Id": before["Id"]})
    )


def _version_shown(document: Document) -> Document:
    return {"ModuleId": document["AmlModuleId"], "Version": document["Version"], **described(document)}


ROUTES = [
    part("GET", "/DataTypes", _types),
    part("POST", "/DataTypes", _new_type),
    part("PUT", "/DataTypes/{id}", _replaced(TYPES)),
    part("POST", "/Modules", lambda call: store(call.state, MODULES, module(call.json))),
    part("GET", "/Modules/Hash/{hash}", _of_hash(MODULES, described)),
    part("GET", "/Modules/{id}", lambda call: described(load(call.state, MODULES, call.path["id"]))),
    part("POST", "/DataSources", _new_source),
    part("GET", "/DataSources/Hash/{hash}", _of_hash(SOURCES, dict)),
    part("GET", "/DataSources/{id}", by_id(SOURCES)),
    part("PUT", "/DataSources/{id}", _replaced(SOURCES)),
    part("GET", "/Graphs/{id}", _graph),
    part("GET", "/Graphs/{id}/Interface", _graph_interface),
    part("POST", "/AzureMLModules", _new_shared),
    part("GET", "/AzureMLModules/Name", by_name(SHARED)),
    part("GET", "/AzureMLModules/{id}", by_id(SHARED)),
    part("PUT", "/AzureMLModules/{id}", _changed_shared),
    part("POST", "/AzureMLModuleVersions", _new_version),
    part("GET", "/AzureMLModuleVersions/{id}", _version),
    part("PUT", "/AzureMLModuleVersions/{id}", _changed_version),
]
