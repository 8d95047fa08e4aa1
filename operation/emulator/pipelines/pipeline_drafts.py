"""Drafts of pipelines: graphs that are still changed, submitted and published from where they are."""

from operation.emulator.http import Call
from operation.emulator.pipelines import entities, pipeline_engine
from operation.emulator.pipelines.pipeline_graph import executable, values
from operation.emulator.pipelines.pipeline_record import new_run, shown
from operation.emulator.pipelines.published import publish
from operation.emulator.state import Document

DRAFTS, GRAPH_DRAFTS = "pipeline-drafts", "pipeline-graph-drafts"
_PARTS = ("ModuleNodes", "DatasetNodes", "Edges")


def _list(call: Call) -> list[Document]:
    tags, drafts = call.json.items(), call.state.all(DRAFTS)
    return [draft for draft in drafts if tags <= (draft.get("tags") or {}).items()]


def _settled(call: Call) -> tuple[Document, Document, Document]:
    """Return the draft that a call is about, what it is submitted with, and its graph, kept as it is now."""
    draft = entities.load(call.state, DRAFTS, call.json["Id"])
    sketch = entities.load(call.state, GRAPH_DRAFTS, draft["GraphDraftId"])
    graph_document = entities.graph(
        call.state, {name: sketch.get(name) or [] for name in _PARTS}, sketch.get("EntityInterface")
    )
    executable(call.state, graph_document)
    return draft, draft.get("PipelineSubmissionInfo") or {}, graph_document


def _submit(call: Call) -> Document:
    draft, info, graph_document = _settled(call)
    values(graph_document["Interface"], info)
    record = new_run(call.state, graph_document, info.get("ExperimentName") or draft["Name"], info)
    entities.store(call.state, DRAFTS, {**draft, "LastSubmittedPipelineRunId": record["Id"]})
    pipeline_engine.start(call.service, call.state, record["Id"])
    return shown(record)


def _publish(call: Call) -> Document:
    draft, info, graph_document = _settled(call)
    named = {"Name": draft["Name"], "Description": draft.get("Description"), "Version": None}
    return publish(call, {**info, **named}, graph_document)


ROUTES = [
    entities.part("POST", "/GraphDrafts", entities.created(GRAPH_DRAFTS)),
    entities.part("GET", "/GraphDrafts/{id}", entities.by_id(GRAPH_DRAFTS)),
    entities.part("PUT", "/GraphDrafts/{id}", entities.changed(GRAPH_DRAFTS)),
    entities.part("DELETE", "/GraphDrafts/{id}", entities.deleted(GRAPH_DRAFTS)),
    entities.part("POST", "/PipelineDrafts/Create", entities.created(DRAFTS)),
    entities.part("GET POST", "/PipelineDrafts", _list),
    entities.part("GET", "/PipelineDrafts/{id}", entities.by_id(DRAFTS)),
    entities.part("PUT", "/PipelineDrafts/{id}", entities.changed(DRAFTS)),
    entities.part("DELETE", "/PipelineDrafts/{id}", entities.deleted(DRAFTS)),
    entities.part("POST", "/PipelineRuns/PipelineDraftSubmit", _submit),
    entities.part("POST", "/Pipelines/PipelineDraftCreate", _publish),
]
