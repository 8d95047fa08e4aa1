"""AutoML as the SDK submits it: validated, made a run, searched by a job, cancelled."""

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


def specification(state: State, request: Document) -> Specification:
    """Return what a submission asks to search for."""
    settings = json.loads(request["amlSettingsJsonString"])
    task = "forecasting" if settings.get("is_timeseries") else settings.get("task_type")
    if task not in PRIMARY:
        raise HttpError(f"the emulator searches for {' and '.join(PRIMARY)}, not for {task}")
    metric = request.get("primaryMetric") or settings["primary_metric"]
    if metric not in PRIMARY[task]:
        raise HttpError(f"{metric!r} is no primary metric of {task}; choose {', '.join(PRIMARY[task])}")
    if not settings.get("label_column_name"):
        raise HttpError("the submission names no label_column_name")
    data = _data(request.get("dataPrepJsonString"))
    for identity in data.values():
        datasets.saved(state, identity)
    return Specification(task, metric, settings, data)


def begin(service: Service) -> None:
    """Go on following the searches that the service before this one began."""
    for workspace in service.workspaces():
        state = service.state(workspace)
        for run in state.all("runs"):
            stored = state.get("automl", run["runId"])
            searching = stored and run["status"] not in runs.ENDED and state.get("runs", worker(run["runId"]))
            if stored and searching:
                resume(service, state, run["runId"], specification(state, stored["wanted"]))


def _data(text: str | None) -> dict[str, str]:
    """Return the ids of the datasets; the SDK escapes the document once more than JSON does."""
    if not text:
        message = "the submission carries no dataset: give training_data as a TabularDataset"
        message = f"{message} (an AutoMLStep has none: the emulator searches for runs of their own)"
        raise HttpError(message)
    document = json.loads(json.loads(f'"{text}"'))
    datasets_by_role = {name: part["datasetId"] for name, part in document.items() if isinstance(part, dict)}
    if "training_data" not in datasets_by_role:
        raise HttpError("the submission carries no training_data")
    return {name: str(identity) for name, identity in datasets_by_role.items()}


def _validated(call: Call) -> Reply:
    try:
        specification(call.state, call.json)
    except HttpError as refused:
        detail: Document = {"code": refused.code, "message": refused.message, "target": None, "details": []}
        error = {"code": refused.code, "message": refused.message, "details": [detail]}
        return Reply({"error": error})
    return Reply(None, 204)


def _created(call: Call) -> Reply:
    request = call.json
    requested, run_id = specification(call.state, request), f"{PREFIX}{uuid.uuid4()}"
    settings = json.dumps(requested.settings)
    properties = {
        **{name: str(value) for name, value in (request.get("properties") or {}).items()},
        "num_iterations": str(request.get("numIterations") or requested.iterations),
        "training_type": "TrainFull",
        "primary_metric": requested.metric,
        "task_type": requested.task,
        "AMLSettingsJsonString": settings,
        "RawAMLSettingsString": settings,
        "DataPrepJsonString": request.get("dataPrepJsonString") or "",
        "runTemplate": "AutoML",
        "azureml.runsource": "automl",
        "target": str(request.get("target")),
    }
    fields = {"runType": "automl", "target": request.get("target"), "properties": properties}
    fields["tags"] = {**(request.get("tags") or {}), "iterations": str(requested.iterations)}
    fields["parentRunId"] = request.get("parentRunId")
    runs.record(call.state, runs.experiment_of(call), run_id, fields)
    call.state.put("automl", run_id, {"wanted": request})
    return Reply(json.dumps(run_id).encode(), headers={"Content-Type": "application/json"})


def _submitted(call: Call) -> Document:
    run_id = call.path["run"]
    stored = call.state.get("automl", run_id)
    if stored is None:
        raise HttpError(f"there is no AutoML run {run_id}", status=404)
    requested = specification(call.state, stored["wanted"])
    definition = call.json.get("Configuration") or call.json.get("configuration")
    runs.record(call.state, runs.experiment_of(call), run_id, {"runDefinition": definition})
    start(call.service, call.state, runs.experiment_of(call), run_id, requested)
    return {"runId": run_id}


def _cancelled(call: Call) -> Reply:
    cancel(call.service, call.state, call.path["run"])
    return Reply({})


def _changed(call: Call) -> Reply:
    """Take the SDK's word for how a run ended, as where it gives up while it submits."""
    statuses = {"fail": "Failed", "cancel": "Canceled", "complete": "Completed"}
    prefix = call.path["status"].lower()
    word = next((status for start_, status in statuses.items() if prefix.startswith(start_)), None)
    if word is None:
        raise HttpError(f"{call.path['status']!r} is no status of a run")
    runs.known_run(call.state, call.path["run"])
    runs.status(call.state, call.path["run"], word)
    return Reply({})


def _environment(call: Call) -> Any:
    return {"environment": environments.environment(call.state, "AzureML-AutoML")}


ROUTES = [
    route("POST", f"{BASE}/validation", _validated),
    route("POST", f"{BASE}/run", _created),
    route("POST", f"{BASE}/runs/{{run}}/submitSnapshotRun", _submitted),
    route("POST", f"{BASE}/cancelrun/{{run}}", _cancelled),
    route("POST", f"{BASE}/runs/{{run}}/changerunstatus/{{status}}", _changed),
    route("POST", f"{BASE}/getCuratedEnvironment", _environment),
]
