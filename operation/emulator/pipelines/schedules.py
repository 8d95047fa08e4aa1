"""Schedules of published pipelines: by the clock, or when data on a datastore is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from operation.emulator.http import Call, HttpError
from operation.emulator.pipelines.entities import by_id, entity, found, kept, merged, part
from operation.emulator.pipelines.pipeline_record import RUNS, shown
from operation.emulator.pipelines.published import ENDPOINTS, PUBLISHED, listed
from operation.emulator.pipelines.recurrence import following
from operation.emulator.pipelines.schedule_clock import SCHEDULES, ScheduleClock, begin
from operation.emulator.state import Document

__all__ = ["ROUTES", "begin"]
_FIELDS = ["Name", "PipelineId", "PipelineEndpointId", "PipelineSubmissionInfo", "Recurrence"]
_FIELDS += ["ScheduleType", "DataStoreTriggerInfo"]


def _create(call: Call) -> Document:
    request = call.json
    _check(call, request)
    schedule = entity(**{name: request.get(name) for name in _FIELDS})
    schedule["ProvisioningStatus"] = "0"
    kept(call.state, SCHEDULES, schedule)
    call.service.part(ScheduleClock).added(call.workspace, schedule["Id"])
    return schedule


def _check(call: Call, request: Document) -> None:
    """Refuse what could never fire."""
    if request.get("PipelineId"):
        found(call.state, PUBLISHED, request["PipelineId"])
    elif request.get("PipelineEndpointId"):
        found(call.state, ENDPOINTS, request["PipelineEndpointId"])
    else:
        raise HttpError("a schedule needs a PipelineId or a PipelineEndpointId", "BadRequest")
    if not (request.get("PipelineSubmissionInfo") or {}).get("ExperimentName"):
        raise HttpError("a schedule needs the name of an experiment", "BadRequest")
    if request.get("Recurrence"):
        following(request["Recurrence"], datetime.now(UTC), datetime.now(UTC))
    elif not (request.get("DataStoreTriggerInfo") or {}).get("DataStoreName"):
        raise HttpError("a schedule needs a recurrence or a datastore", "BadRequest")


def _update(call: Call) -> Document:
    schedule = merged(call, SCHEDULES)
    _check(call, schedule)
    kept(call.state, SCHEDULES, schedule)
    call.service.part(ScheduleClock).added(call.workspace, schedule["Id"])
    return schedule


def _of(field: str) -> Callable[[Call], list[Document]]:
    return lambda call: call.state.where(SCHEDULES, **{field: call.path["id"]})


def _fired(call: Call) -> list[Document]:
    found(call.state, SCHEDULES, call.path["id"])
    runs = reversed(call.state.all(RUNS))
    return [shown(path) for path in runs if path.get("ScheduleId") == call.path["id"]]


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
