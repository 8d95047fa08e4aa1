"""Runs of pipelines as the SDK asks about them: made, submitted, watched, cancelled."""

import json

from operation.emulator.http import Call, HttpError, Reply
from operation.emulator.pipelines import pipeline_engine, pipeline_history
from operation.emulator.pipelines.entities import graph, load, part
from operation.emulator.pipelines.pipeline_graph import DataLocation, PipelineGraph, executable, values
from operation.emulator.pipelines.pipeline_record import RUNS, graph_of, new_run, outputs, shown, status
from operation.emulator.service import Service
from operation.emulator.state import Document


def begin(service: Service) -> None:
    """Write down as failed what a service before this one was executing."""
    for workspace in service.workspaces():
        state = service.state(workspace)
        for record in state.all(RUNS):
            pipeline_engine.settled(state, record)


def _unsubmitted(call: Call) -> Document:
    request = call.json
    info = request.get("CreationInfo") or {}
    graph_document = graph(call.state, request["Graph"], request.get("GraphInterface"))
    experiment = call.query.get("experimentName") or info.get("RunHistoryExperimentName") or "pipeline"
    executable(call.state, graph_document)
    values(graph_document["Interface"], info)  # a wrong parameter is refused before anything starts
    return shown(new_run(call.state, graph_document, experiment, info))


def _submit(call: Call) -> None:
    record = load(call.state, RUNS, call.path["id"])
    parent = call.query.get("parentRunId")
    pipeline_engine.start(call.service, call.state, record["Id"], parent)


def _run(call: Call) -> Document:
    return shown(pipeline_engine.settled(call.state, load(call.state, RUNS, call.path["id"])))


def _cancel(call: Call) -> None:
    load(call.state, RUNS, call.path["id"])
    pipeline_engine.cancel(call.state, call.path["id"])


def _node(call: Call) -> tuple[Document, str]:
    record = load(call.state, RUNS, call.path["id"])
    node = (call.json or [""])[-1]
    names = {node["Id"] for node in graph_of(call.state, record)["ModuleNodes"]}
    if node not in names:
        raise HttpError(f"pipeline run {record['Id']} has no node {node!r}", "NotFound", 404)
    return record, node


def _text(content: str) -> Reply:
    return Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"})


def _statuses(call: Call) -> dict[str, Document]:
    record = load(call.state, RUNS, call.path["id"])
    return {node["Id"]: status(record, node["Id"]) for node in graph_of(call.state, record)["ModuleNodes"]}


def _status_codes(call: Call) -> dict[str, str]:
    return {node: entry["StatusCode"] for node, entry in _statuses(call).items()}


def _outputs(call: Call) -> dict[str, Document]:
    record, node = _node(call)
    return outputs(record, node)


def _run_output(call: Call) -> Document:
    record = load(call.state, RUNS, call.path["id"])
    named = PipelineGraph(graph_of(call.state, record), call.state).named()
    name = call.path["name"]
    if name not in named:
        message = f"pipeline run {record['Id']} has no output {name!r}; it has: {', '.join(named) or 'none'}"
        raise HttpError(message, "NotFound", 404)
    return _at(record, named[name])


def _at(record: Document, location: DataLocation) -> Document:
    written = outputs(record, location.node)
    if location.port not in written:
        raise HttpError(f"Step {location.node} has not written output {location.port!r} yet", "NotFound", 404)
    return written[location.port]


def _log(call: Call) -> Reply:
    record, node = _node(call)
    run_id = status(record, node).get("RunId")
    return Reply(pipeline_history.log(call.service, call.state, run_id) if run_id else "")


def _no_log(call: Call) -> Reply:
    _node(call)
    return Reply("")  # both streams are in one log


_RUN = "/PipelineRuns/{id}"

ROUTES = [
    part("POST", "/PipelineRuns/Unsubmitted/CreationInfoWithGraph", _unsubmitted),
    part("POST", "/PipelineRuns/Submit/{id}", _submit),
    part("GET", _RUN, _run),
    part("DELETE", f"{_RUN}/Execution", _cancel),
    part("POST", f"{_RUN}/Graph/Node/StatusCode", lambda call: _text(status(*_node(call))["StatusCode"])),
    part("POST", f"{_RUN}/Graph/Node/Status", lambda call: status(*_node(call))),
    part("POST", f"{_RUN}/Graph/AllNodes/StatusCode", _status_codes),
    part("POST", f"{_RUN}/Graph/AllNodes/Status", _statuses),
    part("POST", f"{_RUN}/Graph/Shareable/STDOUT", _log),
    part("POST", f"{_RUN}/Graph/Shareable/STDERR", _no_log),
    part("POST", f"{_RUN}/Graph/Shareable/JobLog", _log),
    part("POST", f"{_RUN}/Outputs", _outputs),
    part("GET", f"{_RUN}/PipelineRunOutputs/{{name}}", _run_output),
]
