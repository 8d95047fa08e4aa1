"""What was executed and reused, and with which components: one line of JSON for each time."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from io import RawIOBase
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.files import disk_errors
from operation.engine.foundation.layout import Layout
from operation.engine.steps.step import Plan

_WHOLE = {"step", "key", "components", "how", "at", "as_configured"}


def described(layout: Layout, planned: Plan) -> dict[str, Any]:
    """Return step, key and components of a plan; its packages' versions are kept beside the history, once."""
    versions = layout.runs / "locks" / f"{planned.components.lock}.json"
    if not versions.exists():
        with disk_errors(layout.runs):
            manifest.write(versions, planned.packages.versions)
    return {"step": planned.step, "key": planned.key, "components": asdict(planned.components)}


def with_packages(layout: Layout, components: Mapping[str, Any]) -> dict[str, Any]:
    """Return `components` with the versions of its packages, where they are known."""
    versions = layout.runs / "locks" / f"{components['lock']}.json"
    return {**components, "packages": manifest.read(versions) or {}}


def append(layout: Layout, use_case: str, environment: str, entry: Mapping[str, Any]) -> None:
    """Append `entry` to the history of its step.

    One write of one line: two processes do not tear each other's lines.
    """
    path = _path(layout, use_case, environment, entry["step"])
    with disk_errors(layout.runs):
        path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry, default=str, separators=(",", ":"))
    with disk_errors(layout.runs), path.open("a+b", buffering=0) as file:
        file.write(f"{_line_end(file)}{line}\n".encode())


def _line_end(file: RawIOBase) -> str:
    """Return what ends the half line that a kill may have left, so that it spoils no other."""
    if file.seek(0, os.SEEK_END) == 0:
        return ""
    file.seek(-1, os.SEEK_END)
    return "" if file.read(1) == b"\n" else "\n"


def read(layout: Layout, use_case: str, environment: str, step: str) -> list[dict[str, Any]]:
    """Return the history of a step, oldest first; half a line that a kill left is passed over."""
    try:
        text = _path(layout, use_case, environment, step).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [entry for line in text.splitlines() if (entry := _parsed(line)) is not None]


def _path(layout: Layout, use_case: str, environment: str, step: str) -> Path:
    return layout.runs / "history" / f"{use_case}.{environment}.{step}.jsonl"


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.keys() >= _WHOLE else None
