"""What differs between where a run failed and here."""

import hashlib
import json
import platform
from typing import Any

from operation.engine.evidence.capsule.code import code_differences
from operation.engine.evidence.capsule.replay import Replay
from operation.engine.evidence.capsule.unpack import run_folder, steps
from operation.engine.evidence.capsule.variables import lacking
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import differences
from operation.engine.identity.packages import installed_packages
from operation.engine.identity.source import source_digests


def differs_here(replay: Replay, here: Layout) -> list[str]:
    """Return what differs: commit, code, environment variables, functions of the last step, packages, Python.

    Of code nothing is believed that the capsule says: what it brings is compared.

    Parameters
    ----------
    replay : Replay
        The restored failure.
    here : Layout
        The checkout that replays it.
    """
    content = replay.capsule.content
    before = {**_last_components(replay), "python": content["python"]}
    before["sources"] = _sources(replay.layout, before)
    after = {**before, "python": platform.python_version(), "sources": _sources(here, before)}
    installed = installed_packages()
    packages = [content["packages"], {name: installed.get(name) for name in content["packages"]}]
    for components, versions in zip((before, after), packages, strict=True):
        components.update(packages=versions, lock=_digest(versions))
    return [
        *_commit(content, here),
        *code_differences(replay.capsule, here),
        *lacking(replay.capsule.variables, replay.environment),
        *map(str, differences(before, after)),
    ]


def _last_components(replay: Replay) -> dict[str, Any]:
    """Return the components of the failed step, else of the last one that the notebook called."""
    records = steps(run_folder(replay.layout), replay.capsule.notebook)
    failed = [record for record in records if record["how"] == "failed"]
    chosen = (failed or records)[-1:]
    return dict(chosen[0]["components"]) if chosen else {}


def _sources(layout: Layout, before: dict[str, Any]) -> dict[str, Any]:
    script = layout.src / str(before.get("script", ""))
    if script.parent != layout.src or not script.is_file():
        return {}
    return {name: dict(functions) for name, functions in source_digests(script).items()}


def _digest(packages: dict[str, str | None]) -> str:
    return hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()


def _commit(content: Any, here: Layout) -> list[str]:
    head = commit(here.root)["commit"]
    lines = []
    if content["commit"] != head:
        lines.append(f"commit: {_short(content['commit'])} -> {_short(head)}")
    if content["dirty"]:
        lines.append("it ran with changes that are not in its commit; the capsule has them")
    return lines


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "no commit"
