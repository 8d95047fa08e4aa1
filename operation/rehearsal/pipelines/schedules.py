"""Schedules of published pipelines: by the clock, or when data on a datastore is new."""

from __future__ import annotations

from datetime import UTC, datetime

from operation.rehearsal.clock import now
from operation.rehearsal.http import Call, Refused
from operation.rehearsal.pipelines.pipeline_endpoints import ENDPOINTS
from operation.rehearsal.pipelines.pipeline_record import RUNS, shown
from operation.rehearsal.pipelines.pipelines import entity, found, kept, part
from operation.rehearsal.pipelines.published import PUBLISHED, listed
from operation.rehearsal.pipelines.recurrence import following
from operation.rehearsal.pipelines.schedule_clock import SCHEDULES, begin, clock
from operation.rehearsal.state import Document

__all__ = ["ROUTES", "begin"]
_FIELDS = ("Name", "PipelineId", "PipelineEndpointId", "PipelineSubmissionInfo", "Recurrence")


def _create(call: Call) -> Document:
    wanted = call.json
    _check(call, wanted)
    made = entity(**{name: wanted.get(name) for name in (*_FIELDS, "ScheduleType", "DataStoreTriggerInfo")})
    made["ProvisioningStatus"] = "0"
    kept(call.state, SCHEDULES, made)
    clock(call.service).added(call.workspace, made["Id"])
    return made


def _check(call: Call, wanted: Document) -> None:
    """Refuse what could never fire.

    Raises
    ------
    Refused
        404 for an unknown pipeline, endpoint or datastore, 400 for a recurrence that there is not.
    """
    if wanted.get("PipelineId"):
        found(call.state, PUBLISHED, wanted["PipelineId"])
    elif wanted.get("PipelineEndpointId"):
        found(call.state, ENDPOINTS, wanted["PipelineEndpointId"])
    else:
        raise Refused(400, "BadRequest", "a schedule needs a PipelineId or a PipelineEndpointId")
    if not (wanted.get("PipelineSubmissionInfo") or {}).get("ExperimentName"):
        raise Refused(400, "BadRequest", "a schedule needs the name of an experiment")
    if wanted.get("Recurrence"):
        following(wanted["Recurrence"], datetime.now(UTC), datetime.now(UTC))
    elif not (wanted.get("DataStoreTriggerInfo") or {}).get("DataStoreName"):
        raise Refused(400, "BadRequest", "a schedule needs a recurrence or a datastore")


def _get(call: Call) -> Document:
    return found(call.state, SCHEDULES, call.path["id"])


def _update(call: Call) -> Document:
    known = found(call.state, SCHEDULES, call.path["id"])
    wanted = {**known, **call.json, "Id": known["Id"], "LastModifiedDate": now()}
    _check(call, wanted)
    kept(call.state, SCHEDULES, wanted)
    clock(call.service).added(call.workspace, known["Id"])
    return wanted


def _list(call: Call) -> list[Document]:
    return listed(call, SCHEDULES)


def _of_pipeline(call: Call) -> list[Document]:
    return [one for one in call.state.all(SCHEDULES) if one.get("PipelineId") == call.path["id"]]


def _of_endpoint(call: Call) -> list[Document]:
    return [one for one in call.state.all(SCHEDULES) if one.get("PipelineEndpointId") == call.path["id"]]


def _fired(call: Call) -> list[Document]:
    found(call.state, SCHEDULES, call.path["id"])
    every = reversed(call.state.all(RUNS))
    return [shown(one) for one in every if one.get("ScheduleId") == call.path["id"]]


def _last_fired(call: Call) -> Document | None:
    return next(iter(_fired(call)), None)


ROUTES = [
    part("POST", "/Schedules/Create", _create),
    part("GET", "/Schedules", _list),
    part("GET", "/Schedules/Pipeline/{id}", _of_pipeline),
    part("GET", "/Schedules/PipelineEndpoint/{id}", _of_endpoint),
    part("GET", "/Schedules/{id}", _get),
    part("PUT", "/Schedules/{id}", _update),
    part("GET", "/PipelineRuns/Schedule/{id}", _fired),
    part("GET", "/PipelineRuns/Schedule/{id}/Last", _last_fired),
]
