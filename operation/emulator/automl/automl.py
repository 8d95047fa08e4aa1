"""AutoML as the SDK submits it: validated, made a run, searched by a job, cancelled."""

from __future__ import annotations

import json
import uuid
from typing import Any

from operation.emulator.assets import datasets, environments
from operation.emulator.automl.automl_metrics import PRIMARY
from operation.emulator.automl.automl_run import Specification, cancel, resume, start, worker
from operation.emulator.history import runs
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, route
from operation.emulator.service import Service
from operation.emulator.state import Document, State

BASE = f"/jasmine/v1.0{WORKSPACE}/experimentids/{{experiment_id}}"
PREFIX = "AutoML_"


def specification(state: State, wanted: Document) -> Specification:
    """Return what a submission asks to search for."""
    settings = json.loads(wanted["amlSettingsJsonString"])
    task = "forecasting" if settings.get("is_timeseries") else settings.get("task_type")
    if task not in PRIMARY:
        raise HttpError(f"the emulator searches for {' and '.join(PRIMARY)}, not for {task}")
    metric = wanted.get("primaryMetric") or settings["primary_metric"]
    if metric not in PRIMARY[task]:
        raise HttpError(f"{metric!r} is no primary metric of {task}; choose {', '.join(PRIMARY[task])}")
    if not settings.get("label_column_name"):
        raise HttpError("the submission names no label_column_name")
    data = _data(wanted.get("dataPrepJsonString"))
    for identity in data.values():
        datasets.saved(state, identity)
    return Specification(task, metric, settings, data)


def begin(service: Service) -> None:
    """Go on following the searches that the service before this one began."""
    for workspace in service.workspaces():
        state = service.state(workspace)
        for run in state.all("runs"):
            kept = state.get("automl", run["runId"])
            searching = kept and run["status"] not in runs.ENDED and state.get("runs", worker(run["runId"]))
            if kept and searching:
                resume(service, state, run["runId"], specification(state, kept["wanted"]))


def _data(text: str | None) -> dict[str, str]:
    """Return the ids of the datasets; the SDK escapes the document once more than JSON does."""
    if not text:
        said = "the submission carries no dataset: give training_data as a TabularDataset"
        said = f"{said} (an AutoMLStep has none: the emulator searches for runs of their own)"
        raise HttpError(said)
    document = json.loads(json.loads(f'"{text}"'))
    found = {name: one["datasetId"] for name, one in document.items() if isinstance(one, dict)}
    if "training_data" not in found:
        raise HttpError("the submission carries no training_data")
    return {name: str(identity) for name, identity in found.items()}


def _validated(call: Call) -> Reply:
    try:
        specification(call.state, call.json)
    except HttpError as refused:
        detail: Document = {"code": refused.code, "message": refused.message, "target": None, "details": []}
        error = {"code": refused.code, "message": refused.message, "details": [detail]}
        return Reply({"error": error})
    return Reply(None, 204)


def _created(call: Call) -> Reply:
    wanted = call.json
    found, run_id = specification(call.state, wanted), f"{PREFIX}{uuid.uuid4()}"
    settings = json.dumps(found.settings)
    properties = {
        **{name: str(value) for name, value in (wanted.get("properties") or {}).items()},
        "num_iterations": str(wanted.get("numIterations") or found.iterations),
        "training_type": "TrainFull",
        "primary_metric": found.metric,
        "task_type": found.task,
        "AMLSettingsJsonString": settings,
        "RawAMLSettingsString": settings,
        "DataPrepJsonString": wanted.get("dataPrepJsonString") or "",
        "runTemplate": "AutoML",
        "azureml.runsource": "automl",
        "target": str(wanted.get("target")),
    }
    fields = {"runType": "automl", "target": wanted.get("target"), "properties": properties}
    fields["tags"] = {**(wanted.get("tags") or {}), "iterations": str(found.iterations)}
    fields["parentRunId"] = wanted.get("parentRunId")
    runs.record(call.state, runs.experiment_of(call), run_id, fields)
    call.state.put("automl", run_id, {"wanted": wanted})
    return Reply(json.dumps(run_id).encode(), headers={"Content-Type": "application/json"})


def _submitted(call: Call) -> Document:
    run_id = call.path["run"]
    kept = call.state.get("automl", run_id)
    if kept is None:
        raise HttpError(f"there is no AutoML run {run_id}", status=404)
    found = specification(call.state, kept["wanted"])
    definition = (call.json or {}).get("Configuration") or (call.json or {}).get("configuration")
    runs.record(call.state, runs.experiment_of(call), run_id, {"runDefinition": definition})
    start(call.service, call.state, runs.experiment_of(call), run_id, found)
    return {"runId": run_id}


def _cancelled(call: Call) -> Reply:
    cancel(call.service, call.state, call.path["run"])
    return Reply({})


def _changed(call: Call) -> Reply:
    """Take the SDK's word for how a run ended, as where it gives up while it submits."""
    words = {"fail": "Failed", "cancel": "Canceled", "complete": "Completed"}
    wanted = call.path["status"].lower()
    word = next((status for start_, status in words.items() if wanted.startswith(start_)), None)
    if word is None:
        raise HttpError(f"{call.path['status']!r} is no status of a run")
    runs.known_run(call.state, call.path["run"])
    runs.status(call.state, call.path["run"], word)
    return Reply({})


def _environment(call: Call) -> Any:
    return {"environment": environments.environment(call.state, "AzureML-AutoML")}


def _not_emulated(call: Call) -> Reply:
    raise HttpError(f"the emulator does not do {call.path['what']} for AutoML runs", "NotSupported")


ROUTES = [
    route("POST", f"{BASE}/validation", _validated),
    route("POST", f"{BASE}/run", _created),
    route("POST", f"{BASE}/runs/{{run}}/submitSnapshotRun", _submitted),
    route("POST", f"{BASE}/cancelrun/{{run}}", _cancelled),
    route("POST", f"{BASE}/runs/{{run}}/changerunstatus/{{status}}", _changed),
    route("POST", f"{BASE}/getCuratedEnvironment", _environment),
    route("POST", f"{BASE}/runs/{{run}}/{{what}}", _not_emulated),
    route("POST", f"{BASE}/{{what}}/{{run}}", _not_emulated),
]
