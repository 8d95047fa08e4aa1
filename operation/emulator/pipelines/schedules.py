"""Schedules of published pipelines: by the clock, or when data on a datastore is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from operation.emulator.http import Call, HttpError
from operation.emulator.pipelines.pipeline_record import RUNS, shown
from operation.emulator.pipelines.pipelines import by_id, entity, found, kept, merged, part
from operation.emulator.pipelines.published import ENDPOINTS, PUBLISHED, listed
from operation.emulator.pipelines.recurrence import following
from operation.emulator.pipelines.schedule_clock import SCHEDULES, ScheduleClock, begin
from operation.emulator.state import Document

__all__ = ["ROUTES", "begin"]
_FIELDS = ("Name", "PipelineId", "PipelineEndpointId", "PipelineSubmissionInfo", "Recurrence")


def _create(call: Call) -> Document:
    wanted = call.json
    _check(call, wanted)
    made = entity(**{name: wanted.get(name) for name in (*_FIELDS, "ScheduleType", "DataStoreTriggerInfo")})
    made["ProvisioningStatus"] = "0"
    kept(call.state, SCHEDULES, made)
    call.service.part(ScheduleClock).added(call.workspace, made["Id"])
    return made


def _check(call: Call, wanted: Document) -> None:
    """Refuse what could never fire."""
    if wanted.get("PipelineId"):
        found(call.state, PUBLISHED, wanted["PipelineId"])
    elif wanted.get("PipelineEndpointId"):
        found(call.state, ENDPOINTS, wanted["PipelineEndpointId"])
    else:
        raise HttpError("a schedule needs a PipelineId or a PipelineEndpointId", "BadRequest")
    if not (wanted.get("PipelineSubmissionInfo") or {}).get("ExperimentName"):
        raise HttpError("a schedule needs the name of an experiment", "BadRequest")
    if wanted.get("Recurrence"):
        following(wanted["Recurrence"], datetime.now(UTC), datetime.now(UTC))
    elif not (wanted.get("DataStoreTriggerInfo") or {}).get("DataStoreName"):
        raise HttpError("a schedule needs a recurrence or a datastore", "BadRequest")


def _update(call: Call) -> Document:
    wanted = merged(call, SCHEDULES)
    _check(call, wanted)
    kept(call.state, SCHEDULES, wanted)
    call.service.part(ScheduleClock).added(call.workspace, wanted["Id"])
    return wanted


def _of(field: str) -> Callable[[Call], list[Document]]:
    return lambda call: [one for one in call.state.all(SCHEDULES) if one.get(field) == call.path["id"]]


def _fired(call: Call) -> list[Document]:
    found(call.state, SCHEDULES, call.path["id"])
    every = reversed(call.state.all(RUNS))
    return [shown(one) for one in every if one.get("ScheduleId") == call.path["id"]]


ROUTES = [
    part("POST", "/Schedules/Create", _create),
    part("GET", "/Schedules", lambda call: listed(call, SCHEDULES)),
    part("GET", "/Schedules/Pipeline/{id}", _of("PipelineId")),
    part("GET", "/Schedules/PipelineEndpoint/{id}", _of("PipelineEndpointId")),
    part("GET", "/Schedules/{id}", by_id(SCHEDULES)),
    part("PUT", "/Schedules/{id}", _update),
    part("GET", "/PipelineRuns/Schedule/{id}", _fired),
    part("GET", "/PipelineRuns/Schedule/{id}/Last", lambda call: next(iter(_fired(call)), None)),
]
