"""What the SDK asks of experiments and runs: making, changing, listing, events, details, tokens."""

from operation.emulator.history import artifacts
from operation.emulator.history.filters import names, page
from operation.emulator.history.runs import (
    HISTORY,
    LOGS,
    experiment,
    experiment_of,
    known_run,
    record,
    status,
)
from operation.emulator.http import Call, HttpError, known, nothing, route
from operation.emulator.state import Document, State, now
from operation.emulator.tokens import token

_DETAILS = {"runId", "target", "status", "startTimeUtc", "endTimeUtc", "error", "warnings", "tags"}
_DETAILS |= {"properties", "inputDatasets", "outputDatasets", "runDefinition"}
_EVENTS = {word: word for word in ("Queued", "Completed", "Failed", "Canceled", "CancelRequested")}
_EVENTS["Start"] = "Running"


def _recorded(call: Call) -> Document:
    fields = call.json
    _check_properties(call.state.get("runs", call.path["run"]), fields.get("properties") or {})
    return record(call.state, experiment_of(call), call.path["run"], fields)


def _check_properties(run: Document | None, changes: Document) -> None:
    """Raise where a property that has a value would get another."""
    current = run["properties"] if run else {}
    for name, value in changes.items():
        if current.get(name, value) != value:
            message = f"Property {name} is {current[name]!r} and immutable: it cannot become {value!r}"
            raise HttpError(message)


def _several_recorded(call: Call) -> Document:
    name = experiment_of(call)
    recorded = {run["runId"]: record(call.state, name, run["runId"], run) for run in call.json["runs"]}
    return {"runs": recorded, "errors": {}}


def _shown(call: Call) -> Document:
    return known_run(call.state, call.path["run"])


def _in_experiment(call: Call) -> Document:
    return page(call, _all_in_experiment(call))


def _all_in_experiment(call: Call) -> list[Document]:
    return call.state.where("runs", experimentName=experiment_of(call))


def _anywhere(call: Call) -> Document:
    target = call.path.get("compute")
    return page(call, [run for run in call.state.all("runs") if not target or run["target"] == target])


def _children(call: Call) -> Document:
    return page(call, call.state.where("runs", parentRunId=call.path["run"]))


def _happened(call: Call) -> Document:
    _event(call.state, call.path["run"], call.json)
    return {}


def _several_happened(call: Call) -> Document:
    for event in call.json.get("events") or []:
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
    details = {name: run[name] for name in _DETAILS}
    return {**details, "parameters": {}, "services": {}, "logFiles": logs, "submittedBy": "emulator"}


def _untagged(call: Call) -> Document:
    with call.state.change("runs", call.path["run"]) as run:
        for name in names(call.json):
            run["tags"].pop(name, None)
        return dict(run)


def _token(call: Call) -> Document:
    seconds = call.service.token_seconds
    granted = token(call.service.secret, "run", seconds, call.service.url)
    return {"token": granted, "expiryTimeUtc": now(seconds)}


def _new_experiment(call: Call) -> Document:
    return experiment(call.state, call.path["experiment"])


def _experiment(call: Call) -> Document:
    if call.method == "PATCH":
        return _changed_experiment(call)
    name = experiment_of(call)
    return known(call.state, "experiments", name, f"Experiment {name} was not found")


def _changed_experiment(call: Call) -> Document:
    changes = call.json
    with call.state.change("experiments", experiment_of(call)) as stored:
        stored["tags"].update(changes.get("tags") or {})
        stored["description"] = changes.get("description") or stored["description"]
        if changes.get("archive") is not None:
            stored["archivedTime"] = now() if changes["archive"] else None
        return dict(stored)


def _experiments(call: Call) -> Document:
    view = call.json.get("viewType") if call.method == "POST" else call.query.get("viewType")
    archived = {"ActiveOnly": (False,), "ArchivedOnly": (True,)}.get(str(view), (False, True))
    return page(
        call, [entry for entry in call.state.all("experiments") if bool(entry["archivedTime"]) in archived]
    )


def _untagged_experiment(call: Call) -> Document:
    with call.state.change("experiments", experiment_of(call)) as stored:
        for name in names(call.json):
            stored["tags"].pop(name, None)
    return {"errors": {}}


_BY_ID = f"{HISTORY}/experimentids/{{experiment_id}}"

ROUTES = [
    route("GET POST", f"{HISTORY}/experiments:query", _experiments),
    route("GET", f"{HISTORY}/experiments", _experiments),
    route("POST", f"{HISTORY}/experiments/{{experiment}}", _new_experiment),
    route("GET PATCH", f"{HISTORY}/experiments/{{experiment}}", _experiment),
    route("GET PATCH", _BY_ID, _experiment),
    route("DELETE", _BY_ID, lambda call: {"deleted": call.state.delete("experiments", experiment_of(call))}),
    route("POST", f"{_BY_ID}/tags:delete", _untagged_experiment),
    route("GET", f"{HISTORY}/runs/{{run}}", _shown),
    route("POST", f"{HISTORY}/runs:query", _anywhere),
    route("GET", f"{HISTORY}/computes/{{compute}}/runs", _anywhere),
]
for _place in (f"{HISTORY}/experiments/{{experiment}}", f"{HISTORY}/experimentids/{{experiment_id}}"):
    _run = f"{_place}/runs/{{run}}"
    ROUTES += [
        route("POST", f"{_place}/runs:query", _in_experiment),
        route("GET", f"{_place}/runs", _in_experiment),
        route("GET", f"{_place}/runcounts", lambda call: {"count": len(_all_in_experiment(call))}),
        route("PATCH POST", f"{_place}/batch/runs", _several_recorded),
        route("POST", f"{_place}/batch/events", _several_happened),
        route("PATCH", _run, _recorded),
        route("GET", _run, _shown),
        route("GET", f"{_run}/children", _children),
        route("GET", f"{_run}/details", _details),
        route("POST", f"{_run}/events", _happened),
        route("GET POST", f"{_run}/token", _token),
        route("DELETE", f"{_run}/tags", _untagged),
        route("POST", f"{_run}/heartbeat", nothing),
        route("POST GET", f"{_run}/diagnostics", nothing),
    ]
