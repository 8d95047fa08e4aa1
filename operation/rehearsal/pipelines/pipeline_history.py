"""Runs of pipelines and steps in the history, where the SDK looks for status, error, logs and metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from operation.rehearsal.history import artifacts, runs
from operation.rehearsal.jobs.execution_job import LOG
from operation.rehearsal.pipelines.pipeline_record import CANCELED, FAILED, FINISHED

if TYPE_CHECKING:
    from operation.rehearsal.pipelines.pipeline_step import Step
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import Document, State

PIPELINE, STEP = "azureml.PipelineRun", "azureml.StepRun"
_WORDS = {FINISHED: "Completed", FAILED: "Failed", CANCELED: "Canceled"}
_CODES = {word: code for code, word in _WORDS.items()}


def opened(state: State, record: Document, parent: str | None) -> None:
    """Make the run of a pipeline."""
    given = record.get("ParameterAssignments") or {}
    properties = {
        "azureml.runsource": PIPELINE,
        "runSource": record["RunSource"],
        "runType": record["RunType"],
    }
    properties["azureml.parameters"] = json.dumps(given)
    if record.get("PipelineId"):
        properties["azureml.pipelineid"] = record["PipelineId"]
    fields: Document = {"runType": PIPELINE, "properties": {**properties, **(record.get("Properties") or {})}}
    fields |= {
        "description": record.get("Description"),
        "parentRunId": parent,
        "tags": record.get("tags") or {},
    }
    runs.record(state, record["RunHistoryExperimentName"], record["Id"], fields)
    runs.status(state, record["Id"], "Running")


def ended(state: State, record: Document, code: str, error: str | None) -> None:
    """Write down how a pipeline ended."""
    runs.status(state, record["Id"], _WORDS[code], runs.failure(error) if error else None)


def submitted(service: Service, state: State, record: Document, step: Step) -> None:
    """Submit a step as a job.

    Raises
    ------
    Refused
        Where a datastore, a dataset or a snapshot that it asks for is not there.
    """
    from operation.rehearsal.jobs.execution_routes import definition

    configuration = step.configuration()
    _step_run(state, record, step, {"runDefinition": configuration, "target": configuration["target"]})
    made = definition(service, state, step.run_id, configuration, step.snapshot)
    service.jobs.submit(state, record["RunHistoryExperimentName"], step.run_id, made)


def outcome(service: Service, state: State, step: Step) -> tuple[str, str]:
    """Wait for a step's job and return how its node ended, and its error."""
    word = service.jobs.wait(step.run_id)
    run = runs.known_run(state, step.run_id)
    return _CODES[word], _message(run["error"]) if word == "Failed" else ""


def refused(state: State, record: Document, step: Step, error: str) -> None:
    """Write down that a step could not be submitted."""
    _step_run(state, record, step, {})
    runs.status(state, step.run_id, "Failed", runs.failure(error))


def reused(state: State, record: Document, step: Step, same: Document) -> None:
    """Make the run of a step that was not executed: it shows what the earlier run made, and says so."""
    before = runs.known_run(state, same["RunId"])
    properties = {
        "azureml.isreused": "true",
        "azureml.reusedrunid": same["RunId"],
        "azureml.reusednodeid": same["NodeId"],
        "azureml.reusedpipeline": same["PipelineRunId"],
        "azureml.reusedpipelinerunid": same["PipelineRunId"],
    }
    said = f"This step reuses the outputs of run {same['RunId']}: same snapshot, arguments and inputs."
    shown = {"dataContainerId": before["dataContainerId"], "target": before["target"], "description": said}
    _step_run(
        state, record, step, {**shown, "properties": properties, "runDefinition": before["runDefinition"]}
    )
    kept = state.get("metrics", same["RunId"])
    if kept:
        state.put("metrics", step.run_id, kept)
    runs.status(state, step.run_id, "Running")
    runs.status(state, step.run_id, "Completed")


def _step_run(state: State, record: Document, step: Step, fields: Document) -> None:
    above = record["Id"]
    properties = {
        "azureml.runsource": STEP,
        "azureml.nodeid": step.node,
        "azureml.pipelinerunid": above,
        "azureml.rootpipelinerunid": above,
        "azureml.pipeline": above,
        "ContentSnapshotId": step.snapshot,
        "StepType": step.module.get("StepType") or "PythonScriptStep",
        "azureml.moduleid": step.module["Id"],
        "azureml.modulename": step.name,
    }
    made: Document = {"parentRunId": above, "name": step.name, "displayName": step.name, "runType": STEP}
    made["tags"] = {"azureml.pipeline": above, "azureml.nodeid": step.node}
    made["scriptName"] = step.parameters.get("Script")
    made |= {**fields, "properties": {**properties, **fields.get("properties", {})}}
    runs.record(state, record["RunHistoryExperimentName"], step.run_id, made)


def log(service: Service, state: State, run_id: str) -> str:
    """Return what a step has printed so far."""
    container = runs.known_run(state, run_id)["dataContainerId"]
    return (artifacts.read(service, state.name, "ExperimentRun", container, LOG) or b"").decode(
        "utf-8", "replace"
    )


def _message(error: Document | None) -> str:
    return str(((error or {}).get("error") or {}).get("message") or "it failed")
