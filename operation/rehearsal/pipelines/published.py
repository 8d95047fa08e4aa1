"""Published pipelines: graphs with an address, submitted by the SDK or by a plain HTTP POST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operation.rehearsal.clock import now
from operation.rehearsal.http import WORKSPACE, Call, Refused
from operation.rehearsal.pipelines import pipeline_engine
from operation.rehearsal.pipelines.pipeline_graph import by_default, executable, values
from operation.rehearsal.pipelines.pipeline_record import RUNS, new, shown
from operation.rehearsal.pipelines.pipelines import GRAPHS, entity, found, graph, kept, part
from operation.rehearsal.state import Document, State

if TYPE_CHECKING:
    from operation.rehearsal.service import Service

PUBLISHED = "pipeline-publications"
ACTIVE = ("0", "Active")
_STATUSES = {"Active": "0", "Deprecated": "1", "Disabled": "2"}


def pascal(document: Any) -> Document:
    """Return a body of a REST call with its first level named as the SDK names it."""
    if document is not None and not isinstance(document, dict):
        raise Refused(400, "BadRequest", 'the body must be a JSON object such as {"ExperimentName": "daily"}')
    return {name[:1].upper() + name[1:]: value for name, value in (document or {}).items()}


def is_active(document: Document) -> bool:
    """Return whether the entity is neither deprecated nor disabled."""
    return str(document.get("EntityStatus", "0")) in ACTIVE


def address(call: Call, path: str) -> str:
    """Return the address of something of this workspace's pipelines."""
    names = {name: call.path[name] for name in ("subscription", "group", "workspace")}
    return f"{call.service.url}/pipelines/v1.0{WORKSPACE.format(**names)}{path}"


def publish(call: Call, wanted: Document, kept_graph: Document) -> Document:
    """Keep a publication of a kept graph."""
    named = {name: wanted.get(name) for name in ("Name", "Description", "Version", "ParameterAssignments")}
    made = entity(
        **named,
        GraphId=kept_graph["Id"],
        TotalRunSteps=len(kept_graph.get("ModuleNodes") or []),
        DataSetDefinitionValueAssignments=wanted.get("DataSetDefinitionValueAssignments"),
        ContinueRunOnStepFailure=bool(wanted.get("ContinueRunOnStepFailure")),
        Properties=wanted.get("Properties") or {},
        EnableNotification=bool(wanted.get("EnableNotification")),
    )
    given = named["ParameterAssignments"] or {}
    made["ParameterAssignments"] = {**by_default(kept_graph["Interface"]), **given}
    made["Url"] = address(call, f"/PipelineRuns/PipelineSubmit/{made['Id']}")
    return kept(call.state, PUBLISHED, made)


def submit(
    service: Service, state: State, pipeline: str, info: Document, parent: str | None = None
) -> Document:
    """Start a run of a published pipeline.

    Parameters
    ----------
    service, state : Service, State
        Where it runs.
    pipeline : str
        Id of the published pipeline.
    info : dict
        The submission: ``ExperimentName``, ``ParameterAssignments``, ...
    parent : str, optional
        The run that the new one is a child of.

    Raises
    ------
    Refused
        404 for an unknown pipeline, 400 for one that is not active, for an unknown parameter and
        where no experiment is named.
    """
    document = found(state, PUBLISHED, pipeline)
    if not is_active(document):
        raise Refused(400, "BadRequest", f"published pipeline {pipeline} is not active")
    if not info.get("ExperimentName"):
        raise Refused(400, "BadRequest", 'the submission names no experiment: add "ExperimentName"')
    kept_graph = found(state, GRAPHS, document["GraphId"])
    values(kept_graph["Interface"], info)
    datasets = document.get("DataSetDefinitionValueAssignments") or {}
    goes_on = info.get("ContinueRunOnStepFailure")
    kept_values = {
        name: value for name, value in document["ParameterAssignments"].items() if value is not None
    }
    merged = {
        **info,
        "ParameterAssignments": {**kept_values, **(info.get("ParameterAssignments") or {})},
        "PipelineId": pipeline,
        "DataSetDefinitionValueAssignments": {
            **datasets,
            **(info.get("DataSetDefinitionValueAssignments") or {}),
        },
        "ContinueRunOnStepFailure": document["ContinueRunOnStepFailure"] if goes_on is None else goes_on,
    }
    record = new(state, kept_graph, info["ExperimentName"], merged)
    pipeline_engine.start(service, state, record["Id"], parent)
    return shown(record)


def listed(call: Call, kind: str) -> list[Document]:
    """Return the entities of a kind; with ``activeOnly`` only those that are."""
    every = call.state.all(kind)
    only = call.query.get("activeOnly", "").lower() == "true"
    return [one for one in every if is_active(one)] if only else every


def set_status(state: State, kind: str, name: str, status: str) -> Document:
    """Enable, deprecate or disable an entity."""
    if status not in {*_STATUSES, *_STATUSES.values()}:
        raise Refused(400, "BadRequest", f"{status!r} is no status; choose {', '.join(_STATUSES)}")
    document = {**found(state, kind, name), "EntityStatus": _STATUSES.get(status, status)}
    return kept(state, kind, {**document, "LastModifiedDate": now()})


def _create(call: Call) -> Document:
    wanted = call.json
    kept_graph = graph(call.state, wanted["Graph"], wanted.get("GraphInterface"))
    executable(call.state, kept_graph)
    return publish(call, wanted, kept_graph)


def _get(call: Call) -> Document:
    return found(call.state, PUBLISHED, call.path["id"])


def _list(call: Call) -> list[Document]:
    return listed(call, PUBLISHED)


def _set_status(call: Call) -> None:
    set_status(call.state, PUBLISHED, call.path["id"], str(call.json))


def _submit(call: Call) -> Document:
    info = pascal(call.json)
    return submit(call.service, call.state, call.path["id"], info, call.query.get("parentRunId"))


def _runs(call: Call) -> list[Document]:
    wanted = call.path["id"]
    return [shown(one) for one in reversed(call.state.all(RUNS)) if one.get("PipelineId") == wanted]


ROUTES = [
    part("POST", "/Pipelines/Create", _create),
    part("POST", "/PublishedPipelines/Create", _create),
    part("GET", "/Pipelines", _list),
    part("GET", "/PublishedPipelines", _list),
    part("GET", "/Pipelines/{id}", _get),
    part("GET", "/PublishedPipelines/{id}", _get),
    part("PUT", "/Pipelines/{id}/status", _set_status),
    part("POST", "/PipelineRuns/PipelineSubmit/{id}", _submit),
    part("GET", "/PipelineRuns/Pipeline/{id}", _runs),
]
