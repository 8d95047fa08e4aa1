"""Manifests: JSON records of what ran, with what, on what, giving what. Written whole or not at all.

``manifest_schema.json`` beside this file says what is in those of runs, steps and certificates.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import replacing
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
    return content if isinstance(content, dict) else None


def machine() -> dict[str, str]:
    """Return where this process runs."""
    return {"host": platform.node(), "platform": platform.platform(), "python": platform.python_version()}


@lru_cache(maxsize=8)
def commit(root: Path) -> dict[str, Any]:
    """Return the git commit of the checkout and whether files differ from it; both None outside git."""
    head = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no") if head else None
    return {"commit": head or None, "dirty": bool(status) if head else None}


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
    except OSError:  # git is not installed: the manifest says null
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
