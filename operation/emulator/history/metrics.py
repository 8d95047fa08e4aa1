"""Metrics: what a run logs, as columns with values."""

import uuid

from operation.emulator.history.runs import HISTORY, known_run
from operation.emulator.http import WORKSPACE, Call, HttpError, listed, nothing, route
from operation.emulator.state import Document


def _logged(call: Call) -> Document:
    run = call.path["run"]
    known_run(call.state, run)
    values = call.json.get("values") or []
    with call.state.change("metrics", run) as metrics:
        for entry in values:
            new: Document = {"columns": {}, "properties": {}, "value": []}
            metric = metrics.setdefault(entry["name"], {"name": entry["name"], **new})
            metric["columns"].update(entry.get("columns") or {})
            metric["properties"].update(entry.get("properties") or {})
            metric["value"] += entry.get("value") or []
    return {"errors": []}


def add_scalar(metrics: Document, name: str, value: float, at: str, step: object = None) -> None:
    """Add a number to the metrics of a run, as the SDK logs one."""
    kind = {"columns": {name: "double"}, "properties": {"uxMetricType": "azureml.v1.scalar"}}
    metric = metrics.setdefault(name, {"name": name, **kind, "value": []})
    entry = {"metricId": str(uuid.uuid4()), "createdUtc": at, "step": int(str(step or 0))}
    metric["value"].append({**entry, "data": {name: value}})


def _listed(call: Call) -> Document:
    metrics = call.state.get("metrics", call.path["run"]) or {}
    columns = [
        {"metricKey": {"name": name, "namespace": None, "labels": None}, "columns": metric["columns"]}
        for name, metric in metrics.items()
    ]
    return listed(columns)


def _shown(call: Call) -> Document:
    run, name = call.path["run"], str(call.json.get("metricName"))
    metric = (call.state.get("metrics", run) or {}).get(name)
    if metric is None:
        raise HttpError(f"run {run} has no metric {name}", status=404)
    empty = dict.fromkeys(("namespace", "standardSchemaId", "continuationToken"))
    return {"dataContainerId": f"dcid.{run}", **empty, **metric}


_METRICS = f"/metric/v2.0{WORKSPACE}/runs/{{run}}"
_EXPERIMENT = f"{HISTORY}/experiments/{{experiment}}"

ROUTES = [
    route("POST", f"{_METRICS}/batch", _logged),
    route("POST", f"{_METRICS}/batchsync", _logged),
    route("POST", f"{_METRICS}/list", _listed),
    route("POST", f"{_METRICS}/full", _shown),
    route("GET POST", f"{_EXPERIMENT}/runs/{{run}}/metricsingest/wait", nothing),
]
