"""The documents of experiments and runs, and what can become of them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from operation.rehearsal.access.auth import CLIENT, PERSON, TENANT
from operation.rehearsal.clock import now
from operation.rehearsal.http import Call, Refused

if TYPE_CHECKING:
    from operation.rehearsal.state import Document, State

ENDED = ("Completed", "Failed", "Canceled")
LOGS = ("azureml-logs", "logs", "user_logs", "system_logs")
_MERGED = ("tags", "properties")


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
