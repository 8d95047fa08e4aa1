"""The documents of experiments and runs, and what can become of them."""

import uuid

from operation.emulator.http import WORKSPACE, Call, HttpError, known
from operation.emulator.state import Document, State, now, shaped
from operation.emulator.tokens import CLIENT, PERSON, TENANT

HISTORY = f"/history/v1.0{WORKSPACE}"
MISSING = "RESOURCE_DOES_NOT_EXIST"  # so MLflow's client names it
ENDED = ("Completed", "Failed", "Canceled")
LOGS = ("azureml-logs", "logs", "user_logs", "system_logs")
_MERGED = ("tags", "properties")


def experiment(state: State, name: str) -> Document:
    """Return the experiment of that name, made where there is none."""
    with state.change("experiments", name) as stored:
        if not stored:
            stored.update(shaped("experiment", identity=str(uuid.uuid4()), name=name))
        return dict(stored)


def experiment_of(call: Call) -> str:
    """Return the name of the experiment that a call names, by its name or its id."""
    if "experiment" in call.path:
        return call.path["experiment"]
    return str(experiment_by_id(call.state, call.path["experiment_id"])["name"])


def experiment_by_id(state: State, identity: str) -> Document:
    """Return the experiment with that id; raise `HttpError` 404 where there is none."""
    matches = state.where("experiments", experimentId=identity)
    if not matches:
        raise HttpError(f"experiment {identity} does not exist", MISSING, 404)
    return matches[0]


def record(state: State, experiment_name: str, run_id: str, fields: Document) -> Document:
    """Make the run, or change it: tags and properties are merged, other fields replaced."""
    new_run = _new(state, experiment_name, run_id, fields.get("parentRunId"))
    with state.change("runs", run_id) as run:
        if not run:
            run.update(new_run)
        for name, value in fields.items():
            if value is not None and name in _MERGED:
                run[name].update(value)
            elif value is not None:
                run[name] = value
        run["revision"] += 1
        return dict(run)


def _new(state: State, experiment_name: str, run_id: str, parent: str | None) -> Document:
    above = state.get("runs", parent) if parent else None
    experiment_facts = {
        "experiment": experiment_name,
        "experiment_id": experiment(state, experiment_name)["experimentId"],
    }
    ids = {"run": run_id, "identity": str(uuid.uuid4()), "parent": parent}
    ids |= {"root": above["rootRunId"] if above else run_id}
    who = {"person": PERSON, "tenant": TENANT, "client": CLIENT}
    return shaped("run", **experiment_facts, **ids, **who, number=len(state.all("runs")) + 1)


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
    """Return what a run's ``error`` holds."""
    kind, trace = parameters.get("type"), parameters.get("traceback")
    error = shaped("error", code=code, message=message) | {
        "messageParameters": parameters,
        "innerError": {"code": kind or code, "innerError": None},
        "debugInfo": {"type": kind, "message": message, "stackTrace": trace},
        "additionalInfo": None,
    }
    origin = {"environment": "emulator", "location": "loopback", "componentName": "emulator"}
    return {"error": error, "correlation": {}, "time": now(), **origin}


def message_of(run: Document) -> str:
    """Return why a run failed."""
    return str(((run["error"] or {}).get("error") or {}).get("message") or "it failed")


def known_run(state: State, run_id: str) -> Document:
    """Return the run; raise `HttpError` 404 where there is none."""
    return known(state, "runs", run_id, f"Run {run_id} was not found")
