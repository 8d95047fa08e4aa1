"""Drafts of pipelines: graphs that are still changed, submitted and published from where they are."""

from __future__ import annotations

from operation.emulator.http import Call
from operation.emulator.pipelines import pipeline_engine
from operation.emulator.pipelines.pipeline_graph import executable, values
from operation.emulator.pipelines.pipeline_record import RUNS, new, shown
from operation.emulator.pipelines.pipelines import (
    GRAPHS,
    by_id,
    changed,
    created,
    deleted,
    entity,
    found,
    graph,
    kept,
    part,
)
from operation.emulator.pipelines.published import PUBLISHED, publish
from operation.emulator.state import Document, State

DRAFTS, GRAPH_DRAFTS = "pipeline-drafts", "pipeline-graph-drafts"
_PARTS = ("ModuleNodes", "DatasetNodes", "Edges")


def _list(call: Call) -> list[Document]:
    tags = call.json
    drafts = call.state.all(DRAFTS)
    return [path for path in drafts if tags.items() <= (path.get("tags") or {}).items()]


def _of_draft(call: Call) -> Document:
    original = found(call.state, DRAFTS, call.path["id"])
    sketch = found(call.state, GRAPH_DRAFTS, original["GraphDraftId"])
    copy = kept(call.state, GRAPH_DRAFTS, {**sketch, **entity()})
    draft = {**original, **entity(), "GraphDraftId": copy["Id"], "ParentPipelineDraftId": original["Id"]}
    return kept(call.state, DRAFTS, draft)


def _of_run(call: Call) -> Document:
    run = found(call.state, RUNS, call.path["id"])
    named = {"ExperimentName": run["RunHistoryExperimentName"], "Description": run["Description"]}
    assignments = {name: run[name] for name in ("ParameterAssignments", "DataSetDefinitionValueAssignments")}
    return _copied(call.state, run, {**named, **assignments}, {"ParentPipelineRunId": run["Id"]})


def _of_published(call: Call) -> Document:
    published = found(call.state, PUBLISHED, call.path["id"])
    named = {"ExperimentName": published["Name"], "Description": published["Description"]}
    assignments = {"ParameterAssignments": published["ParameterAssignments"]}
    return _copied(call.state, published, {**named, **assignments}, {"ParentPipelineId": published["Id"]})


def _copied(state: State, source: Document, info: Document, parent: Document) -> Document:
    original = found(state, GRAPHS, source["GraphId"])
    nodes = {name: original.get(name) or [] for name in _PARTS}
    sketch = kept(state, GRAPH_DRAFTS, {**nodes, "EntityInterface": original["Interface"], **entity()})
    draft = {
        "Name": source.get("Name") or source.get("Description"),
        "Description": source.get("Description"),
    }
    facts = {"PipelineSubmissionInfo": info, "GraphDraftId": sketch["Id"], "tags": {}, "Properties": {}}
    return kept(state, DRAFTS, {**draft, **facts, **parent, **entity()})


def _settled(call: Call) -> tuple[Document, Document, Document]:
    """Return the draft that a call is about, what it is submitted with, and its graph, kept as it is now."""
    draft = found(call.state, DRAFTS, call.json["Id"])
    sketch = found(call.state, GRAPH_DRAFTS, draft["GraphDraftId"])
    graph_document = graph(
        call.state, {name: sketch.get(name) or [] for name in _PARTS}, sketch.get("EntityInterface")
    )
    executable(call.state, graph_document)
    return draft, draft.get("PipelineSubmissionInfo") or {}, graph_document


def _submit(call: Call) -> Document:
    draft, info, graph_document = _settled(call)
    values(graph_document["Interface"], info)
    record = new(call.state, graph_document, info.get("ExperimentName") or draft["Name"], info)
    kept(call.state, DRAFTS, {**draft, "LastSubmittedPipelineRunId": record["Id"]})
    pipeline_engine.start(call.service, call.state, record["Id"])
    return shown(record)


def _publish(call: Call) -> Document:
    draft, info, graph_document = _settled(call)
    named = {"Name": draft["Name"], "Description": draft.get("Description"), "Version": None}
    return publish(call, {**info, **named}, graph_document)


ROUTES = [
    part("POST", "/GraphDrafts", created(GRAPH_DRAFTS)),
    part("GET", "/GraphDrafts/{id}", by_id(GRAPH_DRAFTS)),
    part("PUT", "/GraphDrafts/{id}", changed(GRAPH_DRAFTS)),
    part("DELETE", "/GraphDrafts/{id}", deleted(GRAPH_DRAFTS)),
    part("POST", "/PipelineDrafts/Create", created(DRAFTS)),
    part("POST", "/PipelineDrafts/Clone/{id}", _of_draft),
    part("POST", "/PipelineDrafts/ClonePipelineRun/{id}", _of_run),
    part("POST", "/PipelineDrafts/ClonePublished/{id}", _of_published),
    part("GET POST", "/PipelineDrafts", _list),
    part("GET", "/PipelineDrafts/{id}", by_id(DRAFTS)),
    part("PUT", "/PipelineDrafts/{id}", changed(DRAFTS)),
    part("DELETE", "/PipelineDrafts/{id}", deleted(DRAFTS)),
    part("POST", "/PipelineRuns/PipelineDraftSubmit", _submit),
    part("POST", "/Pipelines/PipelineDraftCreate", _publish),
]
