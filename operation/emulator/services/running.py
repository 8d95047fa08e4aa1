"""The processes behind web services: started anew, found again by name, ended with the emulator."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from operation.emulator.http import Refused
from operation.emulator.paths import file_name
from operation.emulator.protocol import Service
from operation.emulator.services.service_app import prepared
from operation.emulator.services.serving import LOG, Serving, last_lines
from operation.emulator.state import Document

_RUNNING: dict[tuple[int, str, str], Serving] = {}
_LOGS: dict[tuple[int, str, str], Path] = {}


def end_all(service: Service) -> None:
    """End every process of `service`."""
    for name in [name for name in _RUNNING if name[0] == id(service)]:
        _RUNNING.pop(name).stop()


def serve(service: Service, workspace: str, name: str, request: Document) -> str | None:
    """Start the process of `name` anew; return why it does not answer, or None."""
    running = _RUNNING.pop((id(service), workspace, name), None)
    if running:
        running.stop()
    folder = service.state(workspace).folder("service-folders") / file_name(
        f"{name}-{uuid.uuid4().hex[:6]}", "a service"
    )
    _LOGS[id(service), workspace, name] = folder / LOG
    made = Serving(prepared(service, workspace, request, folder))
    _RUNNING[id(service), workspace, name] = made
    error = made.start()
    if running:
        shutil.rmtree(running.app.folder.parent, ignore_errors=True)
    return error


def tried(service: Service, workspace: str, name: str, request: Document) -> str | None:
    """Start the process of `name` anew; return why it does not answer, or cannot be started, or None."""
    try:
        return serve(service, workspace, name, request)
    except Refused as refused:
        return refused.message


def found(service: Service, workspace: str, name: str) -> Serving | None:
    """Return the process of `name`, or None."""
    return _RUNNING.get((id(service), workspace, name))


def end(service: Service, workspace: str, name: str) -> None:
    """End the process of `name`, where there is one."""
    running = _RUNNING.pop((id(service), workspace, name), None)
    if running:
        running.stop()


def log_of(service: Service, workspace: str, name: str, lines: int) -> str:
    """Return the last `lines` lines that the process of `name` printed."""
    log = _LOGS.get((id(service), workspace, name))
    return last_lines(log, lines) if log else ""
