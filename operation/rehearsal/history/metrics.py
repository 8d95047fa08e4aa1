"""Metrics: what a run logs, as columns with values."""

from __future__ import annotations

from operation.rehearsal.history.filters import matches
from operation.rehearsal.history.runs import known_run
from operation.rehearsal.http import WORKSPACE, Call, Refused, route
from operation.rehearsal.state import Document


def _logged(call: Call) -> Document:
    run = call.path["run"]
    known_run(call.state, run)
    values = (call.json or {}).get("values") or []
    with call.state.change("metrics", run) as known:
        for one in values:
            new: Document = {"columns": {}, "properties": {}, "value": []}
            metric = known.setdefault(one["name"], {"name": one["name"], **new})
            metric["columns"].update(one.get("columns") or {})
            metric["properties"].update(one.get("properties") or {})
            metric["value"] += one.get("value") or []
    return {"errors": []}


def _listed(call: Call) -> Document:
    known = call.state.get("metrics", call.path["run"]) or {}
    shown = [
        {"metricKey": {"name": name, "namespace": None, "labels": None}, "columns": metric["columns"]}
        for name, metric in known.items()
    ]
    return {"value": shown, "continuationToken": None}


def _shown(call: Call) -> Document:
    run, name = call.path["run"], str((call.json or {}).get("metricName"))
    metric = (call.state.get("metrics", run) or {}).get(name)
    if metric is None:
        raise Refused(404, "UserError", f"run {run} has no metric {name}")
    return {
        "dataContainerId": f"dcid.{run}",
        "namespace": None,
        "standardSchemaId": None,
        **metric,
        "continuationToken": None,
    }


def _older(call: Call) -> Document:
    """Keep a metric that was logged by the first interface, which sends cells."""
    body = call.json or {}
    sent = body.get("values") or [body]
    with call.state.change("metrics-v1", call.path["run"]) as known:
        known.setdefault("values", []).extend({**one, "runId": call.path["run"]} for one in sent)
    return {}


def _older_found(call: Call) -> Document:
    test = matches((call.json or {}).get("filter"))
    found = [one for run in call.state.all("metrics-v1") for one in run["values"] if test(one)]
    return {"value": found, "continuationToken": None}


def _nothing(_: Call) -> Document:
    return {}


_METRICS = f"/metric/v2.0{WORKSPACE}/runs/{{run}}"
_EXPERIMENT = f"/history/v1.0{WORKSPACE}/experiments/{{experiment}}"

ROUTES = [
    route("POST", f"{_METRICS}/batch", _logged),
    route("POST", f"{_METRICS}/batchsync", _logged),
    route("POST", f"{_METRICS}/list", _listed),
    route("POST", f"{_METRICS}/full", _shown),
    route("GET POST", f"{_EXPERIMENT}/runs/{{run}}/metricsingest/wait", _nothing),
    route("POST", f"{_EXPERIMENT}/runs/{{run}}/metrics", _older),
    route("POST", f"{_EXPERIMENT}/runs/{{run}}/batch/metrics", _older),
    route("POST", f"{_EXPERIMENT}/metrics:query", _older_found),
]
