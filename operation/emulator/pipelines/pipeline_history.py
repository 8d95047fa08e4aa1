"""Runs of pipelines and steps in the history, where the SDK looks for status, error, logs and metrics."""

import hashlib
import json

from operation.emulator.assets import datastores
from operation.emulator.history import artifacts, blobs, runs
from operation.emulator.hosts import storage_account
from operation.emulator.jobs import snapshots
from operation.emulator.jobs.execution import Jobs
from operation.emulator.jobs.execution_job import LOG
from operation.emulator.jobs.execution_routes import definition
from operation.emulator.pipelines.pipeline_record import CANCELED, FAILED, FINISHED
from operation.emulator.pipelines.pipeline_step import Step
from operation.emulator.service import Service
from operation.emulator.state import Document, State, shaped

PIPELINE, STEP, REUSE = "azureml.PipelineRun", "azureml.StepRun", "pipeline-reuse"
_WORDS = {FINISHED: "Completed", FAILED: "Failed", CANCELED: "Canceled"}
_CODES = {word: code for code, word in _WORDS.items()}


def opened(state: State, record: Document, parent: str | None) -> None:
    """Make the run of a pipeline."""
    assignments = record.get("ParameterAssignments") or {}
    properties = {
        "azureml.runsource": PIPELINE,
        "runSource": record["RunSource"],
        "runType": record["RunType"],
    }
    properties["azureml.parameters"] = json.dumps(assignments)
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
    """Submit a step as a job."""
    configuration = step.configuration()
    _step_run(state, record, step, {"runDefinition": configuration, "target": configuration["target"]})
    job = definition(service, state, step.run_id, configuration, step.snapshot)
    service.part(Jobs).submit(state, record["RunHistoryExperimentName"], step.run_id, job)


def outcome(service: Service, state: State, step: Step) -> tuple[str, str]:
    """Wait for a step's job and return how its node ended, and its error."""
    word = service.part(Jobs).wait(step.run_id)
    run = runs.known_run(state, step.run_id)
    return _CODES[word], runs.message_of(run) if word == "Failed" else ""


def refused(state: State, record: Document, step: Step, error: str) -> None:
    """Write down that a step could not be submitted."""
    _step_run(state, record, step, {})
    runs.status(state, step.run_id, "Failed", runs.failure(error))


def reused(state: State, record: Document, step: Step, same: Document) -> None:
    """Make the run of a step that was not executed: it shows what the earlier run made, and says so."""
    before = runs.known_run(state, same["RunId"])
    ids = {"run": same["RunId"], "node": same["NodeId"], "pipeline": same["PipelineRunId"]}
    properties = shaped("properties of a reused step", **ids)
    message = f"This step reuses the outputs of run {same['RunId']}: same snapshot, arguments and inputs."
    facts = {"dataContainerId": before["dataContainerId"], "target": before["target"], "description": message}
    _step_run(
        state, record, step, {**facts, "properties": properties, "runDefinition": before["runDefinition"]}
    )
    metrics = state.get("metrics", same["RunId"])
    if metrics:
        state.put("metrics", step.run_id, metrics)
    runs.status(state, step.run_id, "Running")
    runs.status(state, step.run_id, "Completed")


def _step_run(state: State, record: Document, step: Step, fields: Document) -> None:
    above = record["Id"]
    kind = step.module.get("StepType") or "PythonScriptStep"
    ids = {"node": step.node, "pipeline": above, "snapshot": step.snapshot, "module": step.module["Id"]}
    properties = shaped("properties of a step", **ids, kind=kind, name=step.name)
    run: Document = {"parentRunId": above, "name": step.name, "displayName": step.name, "runType": STEP}
    run["tags"] = {"azureml.pipeline": above, "azureml.nodeid": step.node}
    run["scriptName"] = step.parameters.get("Script")
    run |= {**fields, "properties": {**properties, **fields.get("properties", {})}}
    runs.record(state, record["RunHistoryExperimentName"], step.run_id, run)


def log(service: Service, state: State, run_id: str) -> str:
    """Return what a step has printed so far."""
    container = runs.known_run(state, run_id)["dataContainerId"]
    return (artifacts.read(service, state.name, "ExperimentRun", container, LOG) or b"").decode(
        "utf-8", "replace"
    )


def key(service: Service, state: State, step: Step) -> str:
    """Return the digest of all that decides about the outputs: snapshot, words, inputs, environment."""
    decides = {"snapshot": _snapshot(service, state, step.snapshot), **step.identity()}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def earlier(service: Service, state: State, step: Step) -> Document | None:
    """Return what completed under the step's key, where its outputs are still there."""
    reusable = state.get(REUSE, key(service, state, step))
    if reusable and all(_there(service, state, location) for location in reusable["Outputs"]):
        return reusable
    return None


def remember(service: Service, state: State, step: Step, pipeline: str) -> None:
    """Keep a completed execution for later ones."""
    places = [[location.datastore, location.path] for location in step.outputs.values()]
    reusable = {"PipelineRunId": pipeline, "NodeId": step.node, "RunId": step.run_id, "Outputs": places}
    state.put(REUSE, key(service, state, step), reusable)


def _there(service: Service, state: State, location: list[str]) -> bool:
    return datastores.file(service, state, location[0], location[1]).exists()


def _snapshot(service: Service, state: State, snapshot: str) -> str:
    """Return the digest of a snapshot's files: the same content is sent under many ids."""
    digest = hashlib.sha256()
    for path, blob in sorted(snapshots.files(state, snapshot).items()):
        content = blobs.file(service, storage_account(state.name), snapshots.CONTAINER, blob).read_bytes()
        digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
