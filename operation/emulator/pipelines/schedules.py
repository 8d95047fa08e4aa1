"""Schedules of published pipelines: by the clock, or when data is new; a timer makes each fire."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from operation.emulator.assets import datastores
from operation.emulator.http import Call, HttpError
from operation.emulator.pipelines import published
from operation.emulator.pipelines.entities import by_id, entity, load, merged, part, store
from operation.emulator.pipelines.pipeline_record import RUNS, shown
from operation.emulator.pipelines.recurrence import next_time
from operation.emulator.service import Service
from operation.emulator.state import Document, State

SCHEDULES = "pipeline-schedules"
_FIELDS = ["Name", "PipelineId", "PipelineEndpointId", "PipelineSubmissionInfo", "Recurrence"]
_FIELDS += ["ScheduleType", "DataStoreTriggerInfo"]
POLLING_UNIT = 1.0  # seconds: Azure counts the interval in minutes, which nobody waits for in an emulator
_LOCK = threading.RLock()
Seen = dict[str, tuple[int, int]]  # size and time of each file


def begin(service: Service) -> None:
    """Go on with the schedules that the service before this one had."""
    for workspace in service.workspaces():
        for schedule in service.state(workspace).all(SCHEDULES):
            service.part(ScheduleClock).added(workspace, schedule["Id"])


class ScheduleClock:
    """The alarms of all schedules of a service: a timer each."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._timers: dict[str, threading.Timer] = {}

    def added(self, workspace: str, identity: str) -> None:
        """Set the alarm of a schedule, new or changed; one that is disabled has none."""
        state = self._service.state(workspace)
        schedule = state.get(SCHEDULES, identity)
        with _LOCK:
            earlier = self._timers.pop(identity, None)
        if earlier:
            earlier.cancel()
        if schedule is None or not published.is_active(schedule):
            return
        if schedule.get("Recurrence"):
            last, created = schedule.get("LastFired"), _time(schedule["CreatedDate"])
            after = _time(last) if last else created - timedelta(microseconds=1)
            self._set(state, schedule, max(after, _missed(last)), {})
        else:
            self._set(state, schedule, datetime.now(UTC), self._content(state, schedule))

    def _set(self, state: State, schedule: Document, after: datetime, before: Seen) -> None:
        """Let the schedule ring the next time after `after`; `before` is what its datastore held then."""
        if schedule.get("Recurrence"):
            at = next_time(schedule["Recurrence"], _time(schedule["CreatedDate"]), after)
        else:
            unit = float(schedule["DataStoreTriggerInfo"].get("PollingInterval") or 5)
            at = after + timedelta(seconds=POLLING_UNIT * unit)
        wait = max(0.0, min((at - datetime.now(UTC)).total_seconds(), threading.TIMEOUT_MAX))
        timer = threading.Timer(wait, self._rings, (state, schedule["Id"], at, before))
        timer.daemon, timer.name = True, f"schedule {schedule['Id']}"
        with _LOCK:
            self._timers[schedule["Id"]] = timer
        timer.start()

    def _rings(self, state: State, identity: str, at: datetime, before: Seen) -> None:
        schedule, own = state.get(SCHEDULES, identity), threading.current_thread()
        now = max(datetime.now(UTC), at)  # clocks differ, and nothing is to fire twice
        if schedule is None or not published.is_active(schedule):
            return
        if schedule.get("Recurrence"):
            self._fire(state, schedule, {})
        else:
            before = self._look(state, schedule, before)
        if self._timers.get(identity) is own:  # else it was changed meanwhile
            self._set(state, schedule, now, before)

    def _look(self, state: State, schedule: Document, before: Seen) -> Seen:
        """Fire once for each file that is new or changed where a parameter takes its path, else once."""
        content = self._content(state, schedule)
        changed = sorted(path for path, mark in content.items() if before.get(path) != mark)
        trigger = schedule["DataStoreTriggerInfo"]
        parameter, store = trigger.get("DataPathParameterName"), trigger["DataStoreName"]
        for path in changed if parameter else changed[:1]:
            assignment = {parameter: {"DataStoreName": store, "RelativePath": path}} if parameter else {}
            self._fire(state, schedule, assignment)
        return content

    def _content(self, state: State, schedule: Document) -> Seen:
        trigger = schedule["DataStoreTriggerInfo"]
        folder = datastores.folder(self._service, state, trigger["DataStoreName"])
        if folder is None:
            return {}
        return dict(_files(folder, (trigger.get("PathOnDataStore") or "").strip("/")))

    def _fire(self, state: State, schedule: Document, paths: Document) -> None:
        with state.change(SCHEDULES, schedule["Id"]) as stored:
            stored["LastFired"] = datetime.now(UTC).isoformat()
        info = {**schedule["PipelineSubmissionInfo"], "ScheduleId": schedule["Id"], "RunType": "Schedule"}
        info["DataPathAssignments"] = {**(info.get("DataPathAssignments") or {}), **paths}
        info["RunSource"] = "Scheduled"
        try:
            endpoint = schedule.get("PipelineEndpointId")
            pipeline = published.pipeline_of(state, endpoint, None) if endpoint else schedule["PipelineId"]
            published.submit(self._service, state, pipeline, info)
        except HttpError as error:
            with state.change(SCHEDULES, schedule["Id"]) as stored:
                stored["LastError"] = error.message


def _files(folder: Path, under: str) -> list[tuple[str, tuple[int, int]]]:
    files = []
    for file in folder.rglob("*") if folder.is_dir() else ():
        path = file.relative_to(folder).as_posix()
        if file.is_file() and f"{path}/".startswith(f"{under}/" if under else ""):
            status = file.stat()
            files.append((path, (status.st_size, status.st_mtime_ns)))
    return files


def _missed(last: str | None) -> datetime:
    """Return the time before which nothing is made up for: a service that was down fires once at most."""
    return datetime.now(UTC) - timedelta(minutes=1) if last else datetime.min.replace(tzinfo=UTC)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _create(call: Call) -> Document:
    request = call.json
    _check(call, request)
    schedule = entity(**{name: request.get(name) for name in _FIELDS})
    schedule["ProvisioningStatus"] = "0"
    store(call.state, SCHEDULES, schedule)
    call.service.part(ScheduleClock).added(call.workspace, schedule["Id"])
    return schedule


def _check(call: Call, request: Document) -> None:
    """Refuse what could never fire."""
    if request.get("PipelineId"):
        load(call.state, published.PUBLISHED, request["PipelineId"])
    elif request.get("PipelineEndpointId"):
        load(call.state, published.ENDPOINTS, request["PipelineEndpointId"])
    else:
        raise HttpError("a schedule needs a PipelineId or a PipelineEndpointId", "BadRequest")
    if not (request.get("PipelineSubmissionInfo") or {}).get("ExperimentName"):
        raise HttpError("a schedule needs the name of an experiment", "BadRequest")
    if request.get("Recurrence"):
        next_time(request["Recurrence"], datetime.now(UTC), datetime.now(UTC))
    elif not (request.get("DataStoreTriggerInfo") or {}).get("DataStoreName"):
        raise HttpError("a schedule needs a recurrence or a datastore", "BadRequest")


def _update(call: Call) -> Document:
    schedule = merged(call, SCHEDULES)
    _check(call, schedule)
    store(call.state, SCHEDULES, schedule)
    call.service.part(ScheduleClock).added(call.workspace, schedule["Id"])
    return schedule


def _of(field: str) -> Callable[[Call], list[Document]]:
    return lambda call: call.state.where(SCHEDULES, **{field: call.path["id"]})


def _fired(call: Call) -> list[Document]:
    load(call.state, SCHEDULES, call.path["id"])
    runs = reversed(call.state.all(RUNS))
    return [shown(run) for run in runs if run.get("ScheduleId") == call.path["id"]]


ROUTES = [
    part("POST", "/Schedules/Create", _create),
    part("GET", "/Schedules", lambda call: published.listed(call, SCHEDULES)),
    part("GET", "/Schedules/Pipeline/{id}", _of("PipelineId")),
    part("GET", "/Schedules/PipelineEndpoint/{id}", _of("PipelineEndpointId")),
    part("GET", "/Schedules/{id}", by_id(SCHEDULES)),
    part("PUT", "/Schedules/{id}", _update),
    part("GET", "/PipelineRuns/Schedule/{id}", _fired),
    part("GET", "/PipelineRuns/Schedule/{id}/Last", lambda call: next(iter(_fired(call)), None)),
]
