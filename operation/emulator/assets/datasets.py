"""Datasets: saved definitions of data, registered under a name with versions."""

import json
import uuid
from itertools import islice

from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, known, listed, route
from operation.emulator.state import Document, State, now, shaped


def saved(state: State, identity: str) -> Document:
    """Return the saved dataset: its type, properties and dataflow."""
    return known(
        state, "saved-datasets", identity, f"Cannot find dataset with id {identity} in this workspace"
    )


def definition(state: State, identity: str) -> str:
    """Return the dataflow of a saved dataset as the native engine reads it: YAML of an MLTable."""
    flow = json.loads(saved(state, identity)["dataflowJson"])
    try:
        return str(flow["meta"]["RsDataflow"])
    except (KeyError, TypeError) as error:
        message = f"dataset {identity} was made by an SDK too old for this engine: it holds no RsDataflow"
        raise HttpError(message) from error


def registered(state: State, name: str) -> Document:
    """Return the registration `name` with all its versions; raise `HttpError` 404 when there is none."""
    found = next(iter(state.where("datasets", name=name)), None)
    if found is None:
        raise HttpError(f"Dataset with name {name} is not found in the workspace", status=404)
    return found


def identity(state: State, name: str, version: str | int | None = None) -> str:
    """Return the id of the saved dataset that is registered as `name`: the newest, or `version`."""
    return str(_version(registered(state, name), version)["savedDatasetId"])


def _version(dataset: Document, version: str | int | None) -> Document:
    versions: dict[str, Document] = dataset["versions"]
    number = list(versions)[-1] if version in (None, "", "latest") else str(version)
    if number not in versions:
        available = f"{dataset['name']} has no version {number}; there is: {', '.join(versions)}"
        raise HttpError(f"Dataset {available}", status=404)
    return versions[number]


def save(state: State, kind: str | None, dataflow: str, properties: Document | None = None) -> str:
    """Keep what a dataset reads; return its id."""
    number = str(uuid.uuid4())
    dataset = {"id": number, "datasetType": kind, "dataflowJson": dataflow, "properties": properties or {}}
    state.put("saved-datasets", number, dataset | {"dataChanged": None, "dataPath": None})
    return number


def _shown(dataset: Document, version: str | int | None = None) -> Document:
    fields = {key: value for key, value in dataset.items() if key != "versions"}
    return fields | {"latest": _version(dataset, version), "nextVersionId": None, "nextDefinition": None}


def register(state: State, request: Document, *, over: bool) -> Document:
    """Register a dataset, as a new version where there is one of that name."""
    name = request["name"]
    # whoever else registers this name meanwhile waits, and then finds it taken
    with state.change("dataset-names", name) as taken:
        existing = state.get("datasets", taken.get("datasetId", ""))
        if existing and not over:
            raise HttpError(f"A dataset with name {name} is registered already", "Conflict", 409)
        number = taken["datasetId"] = str(existing["datasetId"] if existing else uuid.uuid4())
        return _with_version(state, number, request)


def _with_version(state: State, number: str, request: Document) -> Document:
    """Add a version to the registration `number`, made where it is missing."""
    kind, latest = request.get("datasetType"), request["latest"]
    saved_id = latest.get("savedDatasetId") or save(state, kind, latest["dataflow"], latest.get("properties"))
    with state.change("datasets", number) as dataset:
        if not dataset:
            dataset.update(dict.fromkeys(("defaultCompute", "description", "etag")))
        versions = dataset.setdefault("versions", {})
        version = str(len(versions) + 1)
        versions[version] = _new_version(number, version, latest, saved_id)
        dataset |= {"datasetId": number, "name": request["name"], "datasetType": kind, "isVisible": True}
        dataset |= {"tags": request.get("tags") or dataset.get("tags") or {}, "datasetState": _active()}
        dataset |= {"createdTime": dataset.get("createdTime") or now(), "modifiedTime": now()}
        dataset |= {"description": request.get("description") or dataset["description"]}
        return _shown(dataset)


def _register(call: Call) -> Document:
    return register(call.state, call.json, over=call.says("ifExistsOk"))


def _new_version(number: str, version: str, request: Document, saved_id: str) -> Document:
    ids = {"dataset": number, "version": version, "saved": saved_id}
    properties = request.get("properties") or {}
    return shaped("version of a dataset", **ids, dataflow=request["dataflow"], properties=properties)


def _active() -> Document:
    return {"state": "active", "deprecatedBy": None, "etag": None}


def _by_name(call: Call) -> Document:
    return _shown(registered(call.state, call.path["name"]), call.query.get("versionId"))


def _found(call: Call) -> Document:
    identity = call.path["id"]
    return known(call.state, "datasets", identity, f"Cannot find dataset with id {identity} in the workspace")


def _by_saved_id(call: Call) -> Document:
    saved_id = call.path["id"]
    matches = (
        _shown(dataset, version["versionId"])
        for dataset in call.state.all("datasets")
        for version in dataset["versions"].values()
        if version["savedDatasetId"] == saved_id
    )
    return listed(islice(matches, 1))


def _definitions(call: Call) -> Document:
    return listed(list(_found(call)["versions"].values())[::-1])


def _definition(call: Call) -> Document:
    return _version(_found(call), call.path["version"])


def _list(call: Call) -> Document:
    names = set(filter(None, call.query.get("datasetNames", "").split(",")))
    matches = [dataset for dataset in call.state.all("datasets") if not names or dataset["name"] in names]
    return listed(map(_shown, matches))


def _update(call: Call) -> Document:
    number, request = _found(call)["datasetId"], call.json
    with call.state.change("datasets", number) as dataset:
        dataset |= {
            "description": request.get("description"),
            "tags": request.get("tags") or {},
            "modifiedTime": now(),
        }
        return _shown(dataset, (request.get("latest") or {}).get("versionId"))


def _unregister(call: Call) -> Reply:
    call.state.delete("datasets", registered(call.state, call.path["id"])["datasetId"])
    return Reply({}, 200)


def _ensure_saved(call: Call) -> Document:
    request = call.json
    kind, properties = request.get("datasetType"), request.get("properties")
    saved_id = save(call.state, kind, request["dataflowJson"], properties)
    return saved(call.state, saved_id)


def _data_version(call: Call) -> Document:
    """Answer where a dataset's dataflow is asked for by the newer interface, under either of its names."""
    name, version = call.path["name"], call.path["version"]
    number = name.removeprefix("unregistered-")
    saved_id = (
        number if number != name else identity(call.state, name, None if version == "None" else version)
    )
    flow = definition(call.state, saved_id)
    details = {"dataId": name, "versionId": version, "isArchived": False, "mutable": False, "dataUri": None}
    details |= {"dataType": "MLTable", "legacyDataflowType": "Json", "legacyDataflow": flow, "properties": {}}
    return {"legacyDataflow": flow, "dataVersion": details, "entityMetadata": {}}


_BASE = f"/dataset/v1.0{WORKSPACE}"

ROUTES = [
    route("GET", f"{_BASE}/datasets", _list),
    route("POST", f"{_BASE}/datasets", _register),
    route("GET", f"{_BASE}/datasets/query/name={{name:path}}", _by_name),
    route("GET", f"{_BASE}/datasets/query/savedDatasetId={{id}}", _by_saved_id),
    route("GET", f"{_BASE}/datasets/{{id}}", lambda call: _shown(_found(call))),
    route("PUT", f"{_BASE}/datasets/{{id}}", _update),
    route("DELETE", f"{_BASE}/datasets/{{id}}", _unregister),
    route("GET", f"{_BASE}/datasets/{{id}}/definitions", _definitions),
    route("GET", f"{_BASE}/datasets/{{id}}/definitions/{{version}}", _definition),
    route("POST", f"{_BASE}/saveddatasets", _ensure_saved),
    route("GET", f"{_BASE}/saveddatasets/{{id}}", lambda call: saved(call.state, call.path["id"])),
    route("GET", f"/data/v1.0{WORKSPACE}/dataversion/{{name}}/versions/{{version}}", _data_version),
]
