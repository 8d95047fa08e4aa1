"""Manifests: JSON records of what ran, with what, on what, giving what. Written whole or not at all.

``manifest_schema.json`` beside this file says what is in those of runs, steps and certificates.
"""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import replacing
from operation.engine.foundation.processes import has_ended
from operation.engine.foundation.secrets import mask_values

SCHEMA = 1


def now() -> str:
    """Return the time, UTC, ISO-8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path` as JSON; a reader sees the old file or the new one, never half of one.

    Known secrets are masked.
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(mask_values(content), indent=1, default=str) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any] | None:
    """Return the manifest at `path`, or None when there is none or it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return as_ended(content) if isinstance(content, dict) else None


def as_ended(content: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest in which what runs no more is interrupted: who was killed could not write that."""
    process = content.get("process")
    if content.get("status") != "running" or not isinstance(process, dict):
        return content
    if has_ended(process, content.get("host")):
        return {**content, "status": "interrupted"}
    return content


def machine() -> dict[str, str]:
    """Return where this process runs."""
    return {"host": platform.node(), "platform": platform.platform(), "python": platform.python_version()}
