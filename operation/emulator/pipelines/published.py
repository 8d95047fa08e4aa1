"""Published pipelines, submitted by the SDK or a plain HTTP POST; endpoints: one address, many versions."""

from typing import Any

from operation.emulator.http import Call, HttpError
from operation.emulator.pipelines import entities, pipeline_engine
from operation.emulator.pipelines.pipeline_graph import by_default, executable, values
from operation.emulator.pipelines.pipeline_record import RUNS, new_run, shown
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now

PUBLISHED, ENDPOINTS = "pipeline-publications", "pipeline-endpoints"
ACTIVE = ("0", "Active")
_STATUSES = {"Active": "0", "Deprecated": "1", "Disabled": "2"}


def capitalized(document: Any) -> Document:
    """Return a body of a REST call with its first level named as the SDK names it."""
    if document is not None and not isinstance(document, dict):
        raise HttpError('the body must be a JSON object such as {"ExperimentName": "daily"}', "BadRequest")
    return {name[:1].upper() + name[1:]: value for name, value in (document or {}).items()}


def is_active(document: Document) -> bool:
    """Return whether the entity is neither deprecated nor disabled."""
    return str(document.get("EntityStatus", "0")) in ACTIVE


def address(call: Call, path: str) -> str:
    """Return the address of something of this workspace's pipelines."""
    return f"{call.service.url}/pipelines/v1.0{call.resource}{path}"


def publish(call: Call, request: Document, kept_graph: Document) -> Document:
    """Keep a publication of a kept graph."""
    named = {name: request.get(name) for name in ("Name", "Description", "Version", "ParameterAssignments")}
    publication = entities.entity(
        **named,
        GraphId=kept_graph["Id"],
        TotalRunSteps=len(kept_graph.get("ModuleNodes") or []),
        DataSetDefinitionValueAssignments=request.get("DataSetDefinitionValueAssignments"),
        ContinueRunOnStepFailure=bool(request.get("ContinueRunOnStepFailure")),
        Properties=request.get("Properties") or {},
        EnableNotification=bool(request.get("EnableNotification")),
    )
    assignments = named["ParameterAssignments"] or {}
    publication["ParameterAssignments"] = {**by_default(kept_graph["Interface"]), **assignments}
    publication["Url"] = address(call, f"/PipelineRuns/PipelineSubmit/{publication['Id']}")
    return entities.store(call.state, PUBLISHED, publication)


def submit(
    service: Service, state: State, pipeline: str, info: Document, parent: str | None = None
) -> Document:
    """Start a run of a published pipeline."""
    document = entities.load(state, PUBLISHED, pipeline)
    if not is_active(document):
        raise HttpError(f"published pipeline {pipeline} is not active", "BadRequest")
    if not info.get("ExperimentName"):
        raise HttpError('the submission names no experiment: add "ExperimentName"', "BadRequest")
    kept_graph = entities.load(state, entities.GRAPHS, document["GraphId"])
    values(kept_graph["Interface"], info)
    datasets = document.get("DataSetDefinitionValueAssignments") or {}
    goes_on = info.get("ContinueRunOnStepFailure")
    kept_values = {
        name: value for name, value in document["ParameterAssignments"].items() if value is not None
    }
    submission = {
        **info,
        "ParameterAssignments": {**kept_values, **(info.get("ParameterAssignments") or {})},
        "PipelineId": pipeline,
        "DataSetDefinitionValueAssignments": {
            **datasets,
            **(info.get("DataSetDefinitionValueAssignments") or {}),
        },
        "ContinueRunOnStepFailure": document["ContinueRunOnStepFailure"] if goes_on is None else goes_on,
    }
    record = new_run(state, kept_graph, info["ExperimentName"], submission)
    pipeline_engine.start(service, state, record["Id"], parent)
    return shown(record)


def listed(call: Call, kind: str) -> list[Document]:
    """Return the entities of a kind; with ``activeOnly`` only those that are."""
    everything = call.state.all(kind)
    only = call.says("activeOnly")
    return [entity for entity in everything if is_active(entity)] if only else everything


def set_status(state: State, kind: str, name: str, status: str) -> Document:
    """Enable, deprecate or disable an entity."""
    if status not in {*_STATUSES, *_STATUSES.values()}:
        raise HttpError(f"{status!r} is no status; choose {', '.join(_STATUSES)}", "BadRequest")
    document = {**entities.load(state, kind, name), "EntityStatus": _STATUSES.get(status, status)}
    return entities.store(state, kind, {**document, "LastModifiedDate": now()})


def _create(call: Call) -> Document:
    request = call.json
    kept_graph = entities.graph(call.state, request["Graph"], request.get("GraphInterface"))
    executable(call.state, kept_graph)
    return publish(call, request, kept_graph)


def _list(call: Call) -> list[Document]:
    return listed(call, PUBLISHED)


def _set_status(call: Call) -> None:
    set_status(call.state, PUBLISHED, call.path["id"], str(call.json))


def _submit(call: Call) -> Document:
    info = capitalized(call.json)
    return submit(call.service, call.state, call.path["id"], info, call.query.get("parentRunId"))


def _runs(call: Call) -> list[Document]:
    return [shown(run) for run in call.state.where(RUNS, PipelineId=call.path["id"])[::-1]]


def pipeline_of(state: State, endpoint: str, version: str | None) -> str:
    """Return the id of the published pipeline behind a version; of the default one where None is given."""
    document = entities.load(state, ENDPOINTS, endpoint)
    if not is_active(document):
        raise HttpError(f"pipeline endpoint {document['Name']} is not active", "BadRequest")
    number = version or document["DefaultVersion"]
    versions = {version["Version"]: version["PipelineId"] for version in document["PipelineVersionList"]}
    if number not in versions:
        message = f"endpoint {document['Name']} has no version {number!r}; it has: {', '.join(versions)}"
        raise HttpError(message, "NotFound", 404)
    return str(versions[number])


def _create_endpoint(call: Call) -> Document:
    request = call.json
    entities.refuse_twice(call, ENDPOINTS)
    entities.load(call.state, PUBLISHED, request["PipelineId"])
    endpoint = entities.entity(**{name: request.get(name) for name in ("Name", "Description", "Properties")})
    endpoint["DefaultVersion"] = "0"
    endpoint["PipelineVersionList"] = [{"Version": "0", "PipelineId": request["PipelineId"]}]
    endpoint["Url"] = address(call, f"/PipelineRuns/PipelineEndpointSubmit/Id/{endpoint['Id']}")
    endpoint["SwaggerUrl"] = None
    return entities.store(call.state, ENDPOINTS, endpoint)


def _update_endpoint(call: Call) -> Document:
    before = entities.load(call.state, ENDPOINTS, call.path["id"])
    endpoint = entities.merged(call, ENDPOINTS, Url=before["Url"])
    for version in endpoint["PipelineVersionList"]:
        entities.load(call.state, PUBLISHED, version["PipelineId"])
    entities.store(call.state, ENDPOINTS, endpoint)
    return set_status(call.state, ENDPOINTS, before["Id"], str(endpoint["EntityStatus"]))


def _list_endpoints(call: Call) -> list[Document]:
    return listed(call, ENDPOINTS)[: int(call.headers.get("batchsize", 100))]


def _pipelines_of(call: Call) -> list[Document]:
    versions = entities.load(call.state, ENDPOINTS, call.path["id"])["PipelineVersionList"]
    identities = {version["PipelineId"] for version in versions}
    return [pipeline for pipeline in listed(call, PUBLISHED) if pipeline["Id"] in identities]


def _submit_endpoint(call: Call) -> Document:
    version = call.path.get("version") or call.query.get("pipelineVersion")
    pipeline = pipeline_of(call.state, call.path["id"], version)
    return submit(call.service, call.state, pipeline, capitalized(call.json), call.query.get("parentRunId"))


ROUTES = [
    entities.part("POST", "/Pipelines/Create", _create),
    entities.part("POST", "/PublishedPipelines/Create", _create),
    entities.part("GET", "/Pipelines", _list),
    entities.part("GET", "/PublishedPipelines", _list),
    entities.part("GET", "/Pipelines/{id}", entities.by_id(PUBLISHED)),
    entities.part("GET", "/PublishedPipelines/{id}", entities.by_id(PUBLISHED)),
    entities.part("PUT", "/Pipelines/{id}/status", _set_status),
    entities.part("POST", "/PipelineRuns/PipelineSubmit/{id}", _submit),
    entities.part("GET", "/PipelineRuns/Pipeline/{id}", _runs),
    entities.part("POST", "/PipelineEndpoints/Create", _create_endpoint),
    entities.part("GET", "/PipelineEndpoints/Name", entities.by_name(ENDPOINTS)),
    entities.part("GET", "/PipelineEndpoints/Id/{id}", entities.by_id(ENDPOINTS)),
    entities.part("PUT", "/PipelineEndpoints/{id}", _update_endpoint),
    entities.part("GET", "/PipelineEndpoints", _list_endpoints),
    entities.part("GET", "/PipelineEndpoints/{id}/pipelines", _pipelines_of),
    entities.part("POST", "/PipelineRuns/PipelineEndpointSubmit/Id/{id}", _submit_endpoint),
    entities.part("POST", "/PipelineRuns/PipelineEndpointSubmit/Id/{id}/{version}", _submit_endpoint),
]
