"""The services that run on this machine: asked to take another champion at once."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

from operation.engine.delivery.serving.models import STATUS, ask_to_look, read_status
from operation.engine.foundation.errors import StepFailed

PATIENCE = 120.0  # seconds until a model is verified and loaded


def look_again(runs: Path) -> Iterator[str]:
    """Let every service look its models up again; yield what each serves, once it does.

    Raises
    ------
    StepFailed
        When one refuses its model, or does not answer.
    """
    states = [file.parent for file in sorted((runs / "serving").glob(f"*/{STATUS}"))]
    words = {state: ask_to_look(state) for state in states if _listens(int(state.name))}
    for state, word in words.items():
        yield f"port {state.name}: serves {_served(state, word)}"


def _listens(port: int) -> bool:
    """Tell whether somebody listens; a service that was killed has left its status."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _served(state: Path, word: str) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        status = read_status(state)
        if not status:
            return "nothing: it has ended"
        if status.get("looked") == word and status["settled"]:
            if status["message"]:
                raise StepFailed(f"port {state.name}: {status['message']}")
            return str(status["served"]["champion"])
        time.sleep(0.05)
    raise StepFailed(f"the service on port {state.name} has not looked its models up in {PATIENCE:g} s")
