"""A live session: the state before the failing cell, in JupyterLab."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from operation.engine.evidence.capsule.replay import Replay
from operation.engine.evidence.capsule.server import Server, serving


@dataclass(frozen=True)
class Live:
    """A notebook with its kernel, stopped before the failing cell."""

    server: Server  # where it is
    kernel: str  # id of its kernel
    url: str  # where JupyterLab shows it
    stopped: str  # empty, or why an earlier cell failed here already


@contextmanager
def live(replay: Replay) -> Iterator[Live]:
    """Open the notebook in a server of its own, for as long as the block lasts."""
    replay.notebook.write_text(json.dumps(replay.document, indent=1), encoding="utf-8")
    path = replay.notebook.relative_to(replay.layout.root).as_posix()
    variables = replay.variables("live")
    with serving(replay.layout.root, variables, replay.layout.runs / "jupyterlab.log") as server:
        kernel = server.session(path)
        replies = server.execute(kernel, replay.sources())
        yield Live(server, kernel, server.url(path), _stopped(replies))


def _stopped(replies: list[dict[str, str]]) -> str:
    if not replies or replies[-1]["status"] == "ok":
        return ""
    last = replies[-1]
    return f"In [{len(replies)}] failed already: {last.get('ename')}: {last.get('evalue')}"
