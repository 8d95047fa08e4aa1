"""The training of one group alone, in JupyterLab: what speaks against the group is raised there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.evidence.capsule.live import Live
from operation.engine.evidence.capsule.server import serving
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract

_ARGUMENT = "only"  # of a Core Script that fits groups: fit one alone, and raise what speaks against it
_CHECKOUT = Path(__file__).resolve().parents[4]


@contextmanager
def live_group(layout: Layout, configured: Configuration, group: str) -> Iterator[Live]:
    """Train `group` in a kernel of JupyterLab, which stays open for as long as the block lasts."""
    step = _step(configured)
    title = f"# The training of `{group}`\n\n`%debug` in a new cell steps into the line that failed."
    use = f"import core\n\ncore.use({configured.use_case!r}, {configured.environment!r})"
    sources = [use, f"core.{step}({_ARGUMENT}={group!r})"]
    cells = [_cell("markdown", title), *(_cell("code", source) for source in sources)]
    folder = layout.runs / "replays" / f"group-{re.sub(r'[^A-Za-z0-9]+', '-', group)}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "replay-group.ipynb"
    variables = {
        **os.environ,
        "WORKBENCH_ROOT": str(layout.root),
        "PYTHONPATH": os.pathsep.join(map(str, (layout.notebooks, _CHECKOUT))),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    _write(path, cells)
    with serving(layout.root, variables, folder / "jupyterlab.log") as server:
        address = path.relative_to(layout.root).as_posix()
        kernel = server.session(address)
        replies = server.execute(kernel, sources)
        for cell, reply in zip(cells[1:], replies, strict=False):
            cell |= {"execution_count": reply.get("execution_count"), "outputs": _outputs(reply)}
        _write(path, cells)
        yield Live(server, kernel, server.url(address), _result(group, replies))


def _step(configured: Configuration) -> str:
    """Return the step that trains one group when it is asked to."""
    steps = configured.steps.items()
    found = [name for name, step in steps if _ARGUMENT in read_contract(step.script).values]
    if not found:
        raise UsageError(f"--group: no step of the use case '{configured.use_case}' trains models of groups.")
    return found[0]


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": hashlib.sha256(source.encode()).hexdigest()[:8], "source": source}
    return {**cell, "metadata": {}, **({"execution_count": None, "outputs": []} if kind == "code" else {})}


def _write(path: Path, cells: list[dict[str, Any]]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _outputs(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the cell of a reply shows: its error, where it has one."""
    error = {name: reply[name] for name in ("ename", "evalue", "traceback") if name in reply}
    return [{"output_type": "error", **error}] if error else []


def _result(group: str, replies: list[dict[str, Any]]) -> str:
    last = replies[-1]
    if last["status"] == "ok":
        return f"The training of {group} succeeded: nothing speaks against it here."
    return f"In [{len(replies)}] raised {last.get('ename')}: {last.get('evalue')}"
