"""The workspace as an MLflow server: runs, the very ones of the history."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from operation.rehearsal.clock import now
from operation.rehearsal.history import runs
from operation.rehearsal.http import WORKSPACE, Call, Refused, route
from operation.rehearsal.mlflow.mlflow_experiments import API, asked, experiment_by_id, missing, pairs
from operation.rehearsal.mlflow.mlflow_search import ordered, selected
from operation.rehearsal.state import Document, State

_STATUS = {
    "NotStarted": "SCHEDULED",
    "Preparing": "SCHEDULED",
    "Queued": "SCHEDULED",
    "Completed": "FINISHED",
    "Failed": "FAILED",
    "Canceled": "KILLED",
}
_WORDS = {"RUNNING": "Running", "FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled"}


def run_of(state: State, identity: str) -> Document:
    """Return the run.

    Raises
    ------
    Refused
        404, where there is none.
    """
    found = state.get("runs", identity)
    if found is None:
        raise missing(f"run {identity}")
    return found


def artifacts_uri(call: Call, run: Document) -> str:
    """Return where MLflow's client, with azureml-mlflow in it, puts the run's artifacts."""
    host = call.service.url.removeprefix("https://")
    workspace = WORKSPACE.format(**{name: call.path[name] for name in ("subscription", "group", "workspace")})
    place = f"experiments/{run['experimentName']}/runs/{run['runId']}/artifacts"
    return f"azureml://{host}/mlflow/v2.0{workspace}/{place}"


def shown_run(call: Call, run: Document) -> Document:
    """Return a run of the history as MLflow shows it."""
    info = {
        "run_id": run["runId"],
        "run_uuid": run["runId"],
        "run_name": run["displayName"] or run["runId"],
        "experiment_id": run["experimentId"],
        "user_id": "rehearsal",
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
            "value": one["data"][name],
            "step": one.get("step") or 0,
            "timestamp": milliseconds(one["createdUtc"]),
        }
        for one in metric["value"]
        if isinstance(one["data"].get(name), int | float)
    ]


def _latest(state: State, run: str) -> list[Document]:
    names = state.get("metrics", run) or {}
    return [history[-1] for name in names if (history := _history(state, run, name))]


def _run_made(call: Call) -> Document:
    wanted = asked(call)
    experiment = experiment_by_id(call.state, wanted["experiment_id"])
    tags = {one["key"]: one.get("value") for one in wanted.get("tags") or []}
    run_id = str(uuid.uuid4())
    fields = {"tags": tags, "displayName": wanted.get("run_name") or tags.get("mlflow.runName")}
    fields |= {"parentRunId": tags.get("mlflow.parentRunId"), "properties": {"azureml.runsource": "mlflow"}}
    runs.record(call.state, experiment["name"], run_id, fields)
    runs.status(call.state, run_id, "Running")
    return {"run": shown_run(call, run_of(call.state, run_id))}


def _run_shown(call: Call) -> Document:
    wanted = asked(call)
    return {"run": shown_run(call, run_of(call.state, wanted.get("run_id") or wanted["run_uuid"]))}


def _run_changed(call: Call) -> Document:
    wanted = asked(call)
    run_of(call.state, wanted["run_id"])
    if wanted.get("run_name"):
        with call.state.change("runs", wanted["run_id"]) as run:
            run["displayName"] = wanted["run_name"]
    if wanted.get("status") in _WORDS:
        runs.status(call.state, wanted["run_id"], _WORDS[wanted["status"]])
    return {"run_info": shown_run(call, run_of(call.state, wanted["run_id"]))["info"]}


def _run_hidden(call: Call) -> Document:
    identity = run_of(call.state, asked(call)["run_id"])["runId"]
    with call.state.change("runs", identity) as run:
        run["hidden"] = call.path["hidden"] == "delete"
    return {}


def _runs(call: Call) -> Document:
    wanted = asked(call)
    experiments = set(wanted.get("experiment_ids") or [])
    known = [one for one in call.state.all("runs") if one["experimentId"] in experiments]
    shown = [shown_run(call, one) for one in known if not one["hidden"]]
    found = ordered(selected(shown, wanted.get("filter") or ""), wanted.get("order_by") or [])
    return {"runs": found[: int(wanted.get("max_results") or 1000)]}


def _logged(call: Call) -> Document:
    """Keep metrics, parameters and tags."""
    _keep(call.state, run_of(call.state, asked(call)["run_id"])["runId"], asked(call))
    return {}


def _one_logged(section: str) -> Callable[[Call], Document]:
    """Return the answer to a call that sends one metric, parameter or tag."""

    def answer(call: Call) -> Document:
        wanted = asked(call)
        _keep(call.state, run_of(call.state, wanted["run_id"])["runId"], {section: [wanted]})
        return {}

    return answer


def _keep(state: State, run_id: str, batch: Document) -> None:
    _metrics(state, run_id, batch.get("metrics") or [])
    parameters = {one["key"]: one.get("value") or "" for one in batch.get("params") or []}
    tags = {one["key"]: one.get("value") for one in batch.get("tags") or []}
    with state.change("runs", run_id) as run:
        have = run.setdefault("parameters", {})
        changed = [name for name, value in parameters.items() if have.get(name, value) != value]
        if changed:
            said = f"parameter {changed[0]} is {have[changed[0]]!r}: parameters are immutable"
            raise Refused(400, "INVALID_PARAMETER_VALUE", said)
        have.update(parameters)
        run["tags"].update(tags)


def _metrics(state: State, run_id: str, sent: list[Document]) -> None:
    if not sent:
        return
    with state.change("metrics", run_id) as known:
        for one in sent:
            name, value = one["key"], float(one["value"])
            kind: Document = {
                "columns": {name: "double"},
                "properties": {"uxMetricType": "azureml.v1.scalar"},
            }
            metric = known.setdefault(name, {"name": name, **kind, "value": []})
            entry = {"metricId": str(uuid.uuid4()), "createdUtc": _stamp(one.get("timestamp"))}
            metric["value"].append({**entry, "step": int(one.get("step") or 0), "data": {name: value}})


def _stamp(milliseconds: Any) -> str:
    return now(int(milliseconds) / 1000 - time.time()) if milliseconds else now()


def _tag_deleted(call: Call) -> Document:
    wanted = asked(call)
    with call.state.change("runs", run_of(call.state, wanted["run_id"])["runId"]) as run:
        run["tags"].pop(wanted["key"], None)
    return {}


def _metric_history(call: Call) -> Document:
    wanted = asked(call)
    run = run_of(call.state, wanted.get("run_id") or wanted["run_uuid"])["runId"]
    return {"metrics": _history(call.state, run, wanted["metric_key"])}


def _linked(call: Call) -> Document:
    wanted = asked(call)
    with call.state.change("runs", run_of(call.state, wanted["run_id"])["runId"]) as run:
        run["mlflowOutputs"] = [*(run.get("mlflowOutputs") or []), *(wanted.get("models") or [])]
    return {}


def _nothing(_: Call) -> Document:
    return {}


def _at_once(_: Call) -> Document:
    return {"is_complete": True}


_PREVIEW = f"{API.removesuffix('/mlflow')}/preview/mlflow/runs"
_RUNS = f"{API}/runs"

ROUTES = [
    route("POST", f"{_RUNS}/create", _run_made),
    route("GET", f"{_RUNS}/get", _run_shown),
    route("POST", f"{_RUNS}/update", _run_changed),
    route("POST", f"{_RUNS}/search", _runs),
    route("POST", f"{_RUNS}/delete-tag", _tag_deleted),
    route("POST", f"{_RUNS}/outputs", _linked),
    route("POST", f"{_RUNS}/log-inputs", _nothing),
    route("POST", f"{_RUNS}/log-model", _nothing),
    route("POST", f"{_RUNS}/log-batch", _logged),
    route("POST", f"{_RUNS}/log-metric", _one_logged("metrics")),
    route("POST", f"{_RUNS}/log-parameter", _one_logged("params")),
    route("POST", f"{_RUNS}/set-tag", _one_logged("tags")),
    route("POST", f"{_RUNS}/{{hidden}}", _run_hidden),
    route("GET", f"{API}/metrics/get-history", _metric_history),
    route("GET", f"{_PREVIEW}/get-run-data-status", _at_once),
    route("POST", f"{_PREVIEW}/log-batch-async", _logged),
]
