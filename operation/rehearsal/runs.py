"""Experiments and runs: what the SDK calls history."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from operation.rehearsal import artifacts
from operation.rehearsal.auth import CLIENT, PERSON, TENANT, token
from operation.rehearsal.clock import now
from operation.rehearsal.filters import matches
from operation.rehearsal.http import WORKSPACE, Call, Refused, route

if TYPE_CHECKING:
    from operation.rehearsal.state import Document, State

ENDED = ("Completed", "Failed", "Canceled")
LOGS = ("azureml-logs", "logs", "user_logs", "system_logs")
_DETAILS = {"runId", "target", "status", "startTimeUtc", "endTimeUtc", "error", "warnings", "tags"}
_DETAILS |= {"properties", "inputDatasets", "outputDatasets", "runDefinition"}
_MERGED = ("tags", "properties")
_EVENTS = {
    "Start": "Running",
    "Queued": "Queued",
    "Completed": "Completed",
    "Failed": "Failed",
    "Canceled": "Canceled",
    "CancelRequested": "CancelRequested",
}


def experiment(state: State, name: str) -> Document:
    """Return the experiment of that name, made where there is none."""
    with state.change("experiments", name) as known:
        if not known:
            known.update(
                experimentId=str(uuid.uuid4()),
                name=name,
                description=None,
                createdUtc=now(),
                tags={},
                archivedTime=None,
                retainForLifetimeOfWorkspace=False,
                artifactLocation=None,
            )
        return dict(known)


def experiment_of(call: Call) -> str:
    """Return the name of the experiment that a call names, by its name or its id.

    Raises
    ------
    Refused
        404, for an id that no experiment has.
    """
    if "experiment" in call.path:
        return call.path["experiment"]
    for known in call.state.all("experiments"):
        if known["experimentId"] == call.path["experiment_id"]:
            return str(known["name"])
    raise Refused(404, "UserError", f"there is no experiment with id {call.path['experiment_id']}")


def record(state: State, experiment_name: str, run_id: str, fields: Document) -> Document:
    """Make the run, or change it: tags and properties are merged, other fields replaced."""
    made = _new(state, experiment_name, run_id, fields.get("parentRunId"))
    with state.change("runs", run_id) as run:
        if not run:
            run.update(made)
        for name, value in fields.items():
            if value is not None and name in _MERGED:
                run[name].update(value)
            elif value is not None:
                run[name] = value
        run["revision"] += 1
        return dict(run)


def _new(state: State, experiment_name: str, run_id: str, parent: str | None) -> Document:
    above = state.get("runs", parent) if parent else None
    return {
        "runNumber": len(state.all("runs")) + 1,
        "rootRunId": above["rootRunId"] if above else run_id,
        "experimentId": experiment(state, experiment_name)["experimentId"],
        "experimentName": experiment_name,
        "createdUtc": now(),
        "createdBy": {"userObjectId": PERSON, "userName": "rehearsal", "userTenantId": TENANT},
        "userId": CLIENT,
        "token": None,
        "tokenExpiryTimeUtc": None,
        "error": None,
        "warnings": None,
        "revision": 0,
        "runId": run_id,
        "runUuid": str(uuid.uuid4()),
        "parentRunId": parent,
        "status": "NotStarted",
        "startTimeUtc": None,
        "endTimeUtc": None,
        "heartbeatEnabled": False,
        "options": {"generateDataContainerIdIfNotSpecified": True},
        "name": None,
        "displayName": None,
        "dataContainerId": f"dcid.{run_id}",
        "description": None,
        "hidden": False,
        "runType": "azureml.scriptrun",
        "properties": {},
        "scriptName": None,
        "target": None,
        "tags": {},
        "inputDatasets": [],
        "outputDatasets": [],
        "runDefinition": None,
        "createdFrom": None,
        "cancelUri": None,
        "jobUri": None,
        "diagnosticsUri": None,
        "uniqueChildRunComputeTargets": [],
    }


def status(state: State, run_id: str, word: str, error: Document | None = None) -> None:
    """Give the run a status, with its times; what has ended stays as it ended."""
    with state.change("runs", run_id) as run:
        if run["status"] in ENDED:
            return
        run["status"] = word
        run["revision"] += 1
        if word == "Running":
            run["startTimeUtc"] = run["startTimeUtc"] or now()
        if word in ENDED:
            run["endTimeUtc"] = now()
        if error:
            run["error"] = error


def failure(message: str, code: str = "UserError", /, **parameters: str) -> Document:
    """Return what a run's ``error`` holds.

    Parameters
    ----------
    message : str
        What a person reads first.
    code : str
        ``UserError``, or ``ServiceError`` where the script is not to blame.
    **parameters : str
        What ``messageParameters`` hold: ``type``, ``message``, ``traceback`` of an exception.
    """
    error: Document = {
        "code": code,
        "severity": None,
        "message": message,
        "messageFormat": None,
        "messageParameters": parameters,
        "referenceCode": None,
        "detailsUri": None,
        "target": None,
        "details": [],
        "innerError": {"code": parameters.get("type", code), "innerError": None},
        "debugInfo": {
            "type": parameters.get("type"),
            "message": message,
            "stackTrace": parameters.get("traceback"),
        },
        "additionalInfo": None,
    }
    place = {"environment": "rehearsal", "location": "loopback", "componentName": "rehearsal"}
    return {"error": error, "correlation": {}, "time": now(), **place}


def known_run(state: State, run_id: str) -> Document:
    """Return the run.

    Raises
    ------
    Refused
        404, where there is none.
    """
    run = state.get("runs", run_id)
    if run is None:
        raise Refused(404, "UserError", f"Run {run_id} was not found")
    return run


def _experiment_made(call: Call) -> Document:
    return experiment(call.state, call.path["experiment"])


def _experiment_shown(call: Call) -> Document:
    if call.method == "PATCH":
        return _experiment_changed(call)
    name = experiment_of(call)
    found = call.state.get("experiments", name)
    if found is None:
        raise Refused(404, "UserError", f"Experiment {name} was not found")
    return found


def _experiment_changed(call: Call) -> Document:
    wanted = call.json or {}
    with call.state.change("experiments", experiment_of(call)) as known:
        known["tags"].update(wanted.get("tags") or {})
        known["description"] = wanted.get("description") or known["description"]
        if wanted.get("archive") is not None:
            known["archivedTime"] = now() if wanted["archive"] else None
        return dict(known)


def _experiment_deleted(call: Call) -> Document:
    return {"deleted": call.state.delete("experiments", experiment_of(call))}


def _experiments(call: Call) -> Document:
    return _page(call, call.state.all("experiments"))


def _page(call: Call, documents: list[Document]) -> Document:
    """Return what of `documents` the query asks for, the newest first unless it says otherwise."""
    wanted = call.json if call.method == "POST" else None
    wanted = {**call.query, **(wanted or {})}
    test = matches(wanted.get("filter") or wanted.get("$filter"))
    found = [one for one in documents if test(one)][::-1]
    start = int(wanted.get("continuationToken") or wanted.get("$continuationToken") or 0)
    top = int(wanted.get("top") or wanted.get("$top") or 100)
    token = str(start + top) if start + top < len(found) else None
    return {"value": found[start : start + top], "continuationToken": token, "nextLink": None}


def _recorded(call: Call) -> Document:
    fields = call.json or {}
    _check_properties(call.state.get("runs", call.path["run"]), fields.get("properties") or {})
    return record(call.state, experiment_of(call), call.path["run"], fields)


def _check_properties(run: Document | None, wanted: Document) -> None:
    """Raise where a property that has a value would get another."""
    have = run["properties"] if run else {}
    for name, value in wanted.items():
        if have.get(name, value) != value:
            said = f"property {name} is {have[name]!r} and cannot become {value!r}: properties are immutable"
            raise Refused(400, "UserError", said)


def _several_recorded(call: Call) -> Document:
    name = experiment_of(call)
    made = {
        fields["runId"]: record(call.state, name, fields["runId"], fields) for fields in call.json["runs"]
    }
    return {"runs": made, "errors": {}}


def _shown(call: Call) -> Document:
    return known_run(call.state, call.path["run"])


def _in_experiment(call: Call) -> Document:
    name = experiment_of(call)
    return _page(call, [run for run in call.state.all("runs") if run["experimentName"] == name])


def _anywhere(call: Call) -> Document:
    target = call.path.get("compute")
    return _page(call, [run for run in call.state.all("runs") if not target or run["target"] == target])


def _children(call: Call) -> Document:
    parent = call.path["run"]
    return _page(call, [run for run in call.state.all("runs") if run["parentRunId"] == parent])


def _happened(call: Call) -> Document:
    _event(call.state, call.path["run"], call.json or {})
    return {}


def _several_happened(call: Call) -> Document:
    for event in (call.json or {}).get("events") or []:
        _event(call.state, (event.get("data") or {}).get("RunId", ""), event)
    return {"errors": []}


def _event(state: State, run_id: str, event: Document) -> None:
    known_run(state, run_id)
    word = str(event.get("name", "")).rpartition(".")[2]
    data = event.get("data") or {}
    if word in _EVENTS:
        status(state, run_id, _EVENTS[word])
    elif word == "Error":
        with state.change("runs", run_id) as run:
            run["error"] = data.get("ErrorResponse")
    elif word == "Warning":
        with state.change("runs", run_id) as run:
            warning = {"source": data.get("Source"), "message": data.get("Message")}
            run["warnings"] = [*(run["warnings"] or []), warning]


def _details(call: Call) -> Document:
    run = known_run(call.state, call.path["run"])
    container = run["dataContainerId"]
    paths = artifacts.paths(call.service, call.workspace, "ExperimentRun", container)
    logs = {
        path: artifacts.address(call.service, call.workspace, "ExperimentRun", container, path)
        for path in paths
        if path.startswith(LOGS)
    }
    shown = {name: run[name] for name in _DETAILS}
    return {**shown, "parameters": {}, "services": {}, "logFiles": logs, "submittedBy": "rehearsal"}


def _tags(call: Call) -> Document:
    with call.state.change("runs", call.path["run"]) as run:
        for name in _names(call.json):
            run["tags"].pop(name, None)
        return dict(run)


def _experiment_tags(call: Call) -> Document:
    with call.state.change("experiments", experiment_of(call)) as known:
        for name in _names(call.json):
            known["tags"].pop(name, None)
    return {"errors": {}}


def _names(body: Any) -> list[str]:
    return list((body.get("tags") if isinstance(body, dict) else body) or [])


def _token(call: Call) -> Document:
    seconds = call.service.token_seconds
    granted = token(call.service.secret, "run", seconds, call.service.url)
    return {"token": granted, "expiryTimeUtc": now(seconds)}


def _nothing(_: Call) -> Document:
    return {}


def _count(call: Call) -> Document:
    return {"count": len(_in_experiment(call)["value"])}


_HISTORY = f"/history/v1.0{WORKSPACE}"

ROUTES = [
    route("GET POST", f"{_HISTORY}/experiments:query", _experiments),
    route("GET", f"{_HISTORY}/experiments", _experiments),
    route("POST", f"{_HISTORY}/experiments/{{experiment}}", _experiment_made),
    route("GET PATCH", f"{_HISTORY}/experiments/{{experiment}}", _experiment_shown),
    route("GET PATCH", f"{_HISTORY}/experimentids/{{experiment_id}}", _experiment_shown),
    route("DELETE", f"{_HISTORY}/experimentids/{{experiment_id}}", _experiment_deleted),
    route("POST", f"{_HISTORY}/experimentids/{{experiment_id}}/tags:delete", _experiment_tags),
    route("GET", f"{_HISTORY}/runs/{{run}}", _shown),
    route("POST", f"{_HISTORY}/runs:query", _anywhere),
    route("GET", f"{_HISTORY}/computes/{{compute}}/runs", _anywhere),
]
for _place in (f"{_HISTORY}/experiments/{{experiment}}", f"{_HISTORY}/experimentids/{{experiment_id}}"):
    _run = f"{_place}/runs/{{run}}"
    ROUTES += [
        route("POST", f"{_place}/runs:query", _in_experiment),
        route("GET", f"{_place}/runs", _in_experiment),
        route("GET", f"{_place}/runcounts", _count),
        route("PATCH POST", f"{_place}/batch/runs", _several_recorded),
        route("POST", f"{_place}/batch/events", _several_happened),
        route("PATCH", _run, _recorded),
        route("GET", _run, _shown),
        route("GET", f"{_run}/children", _children),
        route("GET", f"{_run}/details", _details),
        route("POST", f"{_run}/events", _happened),
        route("GET POST", f"{_run}/token", _token),
        route("DELETE", f"{_run}/tags", _tags),
        route("POST", f"{_run}/heartbeat", _nothing),
        route("POST GET", f"{_run}/diagnostics", _nothing),
    ]
