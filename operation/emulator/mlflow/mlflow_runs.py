"""The workspace as an MLflow server: runs, the very ones of the history."""

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from operation.emulator.history import runs
from operation.emulator.history.metrics import add_scalar
from operation.emulator.history.runs import MISSING
from operation.emulator.http import Call, HttpError, known, nothing, route
from operation.emulator.mlflow.mlflow_experiments import API, by_name, pairs, search_runs
from operation.emulator.state import Document, State, now

_STATUS = {
    "NotStarted": "SCHEDULED",
    "Preparing": "SCHEDULED",
    "Queued": "SCHEDULED",
    "Completed": "FINISHED",
    "Failed": "FAILED",
    "Canceled": "KILLED",
}
_WORDS = {"RUNNING": "Running", "FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}


def run_of(call: Call) -> Document:
    """Return the run that a call asks for, under either of its names."""
    identity = str(call.parameters.get("run_id") or call.parameters["run_uuid"])
    return known(call.state, "runs", identity, f"run {identity} does not exist", MISSING)


def artifacts_uri(call: Call, run: Document) -> str:
    """Return where MLflow's client, with azureml-mlflow in it, puts the run's artifacts."""
    host = call.service.url.removeprefix("https://")
    path = f"experiments/{run['experimentName']}/runs/{run['runId']}/artifacts"
    return f"azureml://{host}/mlflow/v2.0{call.resource}/{path}"


def shown_run(call: Call, run: Document) -> Document:
    """Return a run of the history as MLflow shows it."""
    info = {
        "run_id": run["runId"],
        "run_uuid": run["runId"],
        "run_name": run["displayName"] or run["runId"],
        "experiment_id": run["experimentId"],
        "user_id": "emulator",
        "status": _STATUS.get(run["status"], "RUNNING"),
        "start_time": milliseconds(run["startTimeUtc"] or run["createdUtc"]),
        "end_time": milliseconds(run["endTimeUtc"]),
        "artifact_uri": artifacts_uri(call, run),
        "lifecycle_stage": "deleted" if run["hidden"] else "active",
    }
    tags = {"mlflow.runName": info["run_name"], **run["tags"]}
    if run["parentRunId"]:
        tags["mlflow.parentRunId"] = run["parentRunId"]
    data = {"metrics": _latest(call.state, run["runId"]), "params": pairs(run.get("parameters") or {})}
    inputs = {"dataset_inputs": [], "model_inputs": run.get("mlflowInputs") or []}
    outputs = {"model_outputs": run.get("mlflowOutputs") or []}
    return {"info": info, "data": {**data, "tags": pairs(tags)}, "inputs": inputs, "outputs": outputs}


def milliseconds(stamp: str | None) -> int | None:
    """Return a time of the service as MLflow counts it."""
    return int(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else None


def _history(state: State, run: str, name: str) -> list[Document]:
    metric = (state.get("metrics", run) or {}).get(name) or {"value": []}
    return [
        {
            "key": name,
            "value": entry["data"][name],
            "step": entry.get("step") or 0,
            "timestamp": milliseconds(entry["createdUtc"]),
        }
        for entry in metric["value"]
        if isinstance(entry["data"].get(name), int | float)
    ]


def _latest(state: State, run: str) -> list[Document]:
    names = state.get("metrics", run) or {}
    return [history[-1] for name in names if (history := _history(state, run, name))]


def _run_made(call: Call) -> Document:
    request = call.parameters
    experiment = runs.experiment_by_id(call.state, request["experiment_id"])
    tags, run_id = by_name(request.get("tags")), str(uuid.uuid4())
    fields = {"tags": tags, "displayName": request.get("run_name") or tags.get("mlflow.runName")}
    fields |= {"parentRunId": tags.get("mlflow.parentRunId"), "properties": {"azureml.runsource": "mlflow"}}
    runs.record(call.state, experiment["name"], run_id, fields)
    runs.status(call.state, run_id, "Running")
    return {"run": shown_run(call, runs.known_run(call.state, run_id))}


def _run_changed(call: Call) -> Document:
    request, identity = call.parameters, run_of(call)["runId"]
    if request.get("run_name"):
        with call.state.change("runs", identity) as run:
            run["displayName"] = request["run_name"]
    if request.get("status") in _WORDS:
        runs.status(call.state, identity, _WORDS[request["status"]])
    return {"run_info": shown_run(call, run_of(call))["info"]}


def _run_hidden(call: Call) -> Document:
    with call.state.change("runs", run_of(call)["runId"]) as run:
        run["hidden"] = call.path["hidden"] == "delete"
    return {}


def _runs(call: Call) -> Document:
    request = call.parameters
    experiments = set(request.get("experiment_ids") or [])
    candidates = [run for run in call.state.all("runs") if run["experimentId"] in experiments]
    summaries = [shown_run(call, run) for run in candidates if not run["hidden"]]
    matches = search_runs(summaries, request.get("filter") or "", request.get("order_by") or [])
    return {"runs": matches[: int(request.get("max_results") or 1000)]}


def _logged(section: str | None = None) -> Callable[[Call], Document]:
    """Return the answer that keeps metrics, parameters and tags; of a `section`, where one is sent alone."""

    def answer(call: Call) -> Document:
        batch = {section: [call.parameters]} if section else call.parameters
        _keep(call.state, run_of(call)["runId"], batch)
        return {}

    return answer


def _keep(state: State, run_id: str, batch: Document) -> None:
    _metrics(state, run_id, batch.get("metrics") or [])
    parameters = {parameter["key"]: parameter.get("value") or "" for parameter in batch.get("params") or []}
    with state.change("runs", run_id) as run:
        current = run.setdefault("parameters", {})
        changed = [name for name, value in parameters.items() if current.get(name, value) != value]
        if changed:
            message = f"parameter {changed[0]} is {current[changed[0]]!r}: parameters are immutable"
            raise HttpError(message, "INVALID_PARAMETER_VALUE")
        current.update(parameters)
        run["tags"].update(by_name(batch.get("tags")))


def _metrics(state: State, run_id: str, sent: list[Document]) -> None:
    if not sent:
        return
    with state.change("metrics", run_id) as metrics:
        for metric in sent:
            add_scalar(
                metrics,
                metric["key"],
                float(metric["value"]),
                _stamp(metric.get("timestamp")),
                metric.get("step"),
            )


def _stamp(milliseconds: Any) -> str:
    return now(int(milliseconds) / 1000 - time.time()) if milliseconds else now()


def _tag_deleted(call: Call) -> Document:
    with call.state.change("runs", run_of(call)["runId"]) as run:
        run["tags"].pop(call.parameters["key"], None)
    return {}


def _metric_history(call: Call) -> Document:
    return {"metrics": _history(call.state, run_of(call)["runId"], call.parameters["metric_key"])}


def _linked(call: Call) -> Document:
    with call.state.change("runs", run_of(call)["runId"]) as run:
        run["mlflowOutputs"] = [*(run.get("mlflowOutputs") or []), *(call.parameters.get("models") or [])]
    return {}


_PREVIEW = f"{API.removesuffix('/mlflow')}/preview/mlflow/runs"
_RUNS = f"{API}/runs"

ROUTES = [
    route("POST", f"{_RUNS}/create", _run_made),
    route("GET", f"{_RUNS}/get", lambda call: {"run": shown_run(call, run_of(call))}),
    route("POST", f"{_RUNS}/update", _run_changed),
    route("POST", f"{_RUNS}/search", _runs),
    route("POST", f"{_RUNS}/delete-tag", _tag_deleted),
    route("POST", f"{_RUNS}/outputs", _linked),
    route("POST", f"{_RUNS}/log-inputs", nothing),
    route("POST", f"{_RUNS}/log-model", nothing),
    route("POST", f"{_RUNS}/log-batch", _logged()),
    route("POST", f"{_RUNS}/log-metric", _logged("metrics")),
    route("POST", f"{_RUNS}/log-parameter", _logged("params")),
    route("POST", f"{_RUNS}/set-tag", _logged("tags")),
    route("POST", f"{_RUNS}/{{hidden}}", _run_hidden),
    route("GET", f"{API}/metrics/get-history", _metric_history),
    route("GET", f"{_PREVIEW}/get-run-data-status", lambda _: {"is_complete": True}),
    route("POST", f"{_PREVIEW}/log-batch-async", _logged()),
]
