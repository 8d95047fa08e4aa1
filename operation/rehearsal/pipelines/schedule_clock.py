"""What makes schedules fire: one thread that sleeps until the next of them is due."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from operation.rehearsal.assets import datastores
from operation.rehearsal.http import Refused
from operation.rehearsal.pipelines.pipeline_endpoints import pipeline_of
from operation.rehearsal.pipelines.published import is_active, submit
from operation.rehearsal.pipelines.recurrence import following
from operation.rehearsal.state import Document, State

if TYPE_CHECKING:
    from operation.rehearsal.service import Service

SCHEDULES = "pipeline-schedules"
POLLING_UNIT = 1.0  # seconds: Azure counts the interval in minutes, which nobody waits for in a rehearsal
_CLOCKS: dict[int, ScheduleClock] = {}
_LOCK = threading.Lock()


def begin(service: Service) -> None:
    """Go on with the schedules that the service before this one had."""
    for workspace in service.workspaces():
        for schedule in service.state(workspace).all(SCHEDULES):
            clock(service).added(workspace, schedule["Id"])


def clock(service: Service) -> ScheduleClock:
    """Return the service's clock, started when it is asked for the first time."""
    with _LOCK:
        if id(service) not in _CLOCKS:
            _CLOCKS[id(service)] = ScheduleClock(service)
        return _CLOCKS[id(service)]


@dataclass
class Alarm:
    """When a schedule is looked at next, and what its datastore held when it was last."""

    at: datetime
    seen: dict[str, tuple[int, int]] | None


class ScheduleClock:
    """The alarms of all schedules of a service.

    Parameters
    ----------
    service : Service
        Whose pipelines are submitted.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._alarms: dict[tuple[str, str], Alarm] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._watch, name="schedules", daemon=True).start()

    def added(self, workspace: str, identity: str) -> None:
        """Set the alarm of a schedule, new or changed; one that is disabled has none."""
        state = self._service.state(workspace)
        schedule = state.get(SCHEDULES, identity)
        with self._changed:
            self._alarms.pop((workspace, identity), None)
            if schedule and is_active(schedule):
                self._alarms[workspace, identity] = self._first(state, schedule)
            self._changed.notify()

    def _first(self, state: State, schedule: Document) -> Alarm:
        if schedule.get("Recurrence"):
            last = schedule.get("LastFired")
            created = _time(schedule["CreatedDate"])
            after = _time(last) if last else created - timedelta(microseconds=1)
            return Alarm(following(schedule["Recurrence"], created, max(after, _missed(last))), None)
        return Alarm(datetime.now(UTC) + _polling(schedule), self._content(state, schedule))

    def _watch(self) -> None:
        while True:
            with self._changed:
                due = min(self._alarms.items(), key=lambda item: item[1].at, default=None)
                wait = (due[1].at - datetime.now(UTC)).total_seconds() if due else None
                if due is None or (wait is not None and wait > 0):
                    self._changed.wait(wait)
                    continue
                (workspace, identity), alarm = due
            self._rings(workspace, identity, alarm)

    def _rings(self, workspace: str, identity: str, alarm: Alarm) -> None:
        state = self._service.state(workspace)
        schedule = state.get(SCHEDULES, identity)
        if schedule is None or not is_active(schedule):
            with self._changed:
                self._alarms.pop((workspace, identity), None)
            return
        now = datetime.now(UTC)
        if schedule.get("Recurrence"):
            self._fire(state, schedule, {})
            later = Alarm(following(schedule["Recurrence"], _time(schedule["CreatedDate"]), now), None)
        else:
            later = Alarm(now + _polling(schedule), self._look(state, schedule, alarm.seen or {}))
        with self._changed:
            if (workspace, identity) in self._alarms:
                self._alarms[workspace, identity] = later

    def _look(
        self, state: State, schedule: Document, seen: dict[str, tuple[int, int]]
    ) -> dict[str, tuple[int, int]]:
        """Fire once for each file that is new or changed where a parameter takes its path, else once."""
        there = self._content(state, schedule)
        fresh = sorted(path for path, mark in there.items() if seen.get(path) != mark)
        trigger = schedule["DataStoreTriggerInfo"]
        parameter, store = trigger.get("DataPathParameterName"), trigger["DataStoreName"]
        for path in fresh if parameter else fresh[:1]:
            given = {parameter: {"DataStoreName": store, "RelativePath": path}} if parameter else {}
            self._fire(state, schedule, given)
        return there

    def _content(self, state: State, schedule: Document) -> dict[str, tuple[int, int]]:
        trigger = schedule["DataStoreTriggerInfo"]
        folder = datastores.folder(self._service, state, trigger["DataStoreName"])
        if folder is None:
            return {}
        return dict(_files(folder, (trigger.get("PathOnDataStore") or "").strip("/")))

    def _fire(self, state: State, schedule: Document, paths: Document) -> None:
        with state.change(SCHEDULES, schedule["Id"]) as kept:
            kept["LastFired"] = datetime.now(UTC).isoformat()
        info = {**schedule["PipelineSubmissionInfo"], "ScheduleId": schedule["Id"], "RunType": "Schedule"}
        info["DataPathAssignments"] = {**(info.get("DataPathAssignments") or {}), **paths}
        info["RunSource"] = "Scheduled"
        try:
            endpoint = schedule.get("PipelineEndpointId")
            pipeline = pipeline_of(state, endpoint, None) if endpoint else schedule["PipelineId"]
            submit(self._service, state, pipeline, info)
        except Refused as error:
            with state.change(SCHEDULES, schedule["Id"]) as kept:
                kept["LastError"] = error.message


def _files(folder: Path, under: str) -> list[tuple[str, tuple[int, int]]]:
    found = []
    for file in folder.rglob("*") if folder.is_dir() else ():
        path = file.relative_to(folder).as_posix()
        if file.is_file() and f"{path}/".startswith(f"{under}/" if under else ""):
            known = file.stat()
            found.append((path, (known.st_size, known.st_mtime_ns)))
    return found


def _polling(schedule: Document) -> timedelta:
    return timedelta(
        seconds=POLLING_UNIT * float(schedule["DataStoreTriggerInfo"].get("PollingInterval") or 5)
    )


def _missed(last: str | None) -> datetime:
    """Return the time before which nothing is made up for: a service that was down fires once at most."""
    return datetime.now(UTC) - timedelta(minutes=1) if last else datetime.min.replace(tzinfo=UTC)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
