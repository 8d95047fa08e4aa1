"""How a service in an image is told what to do: by environment variables, and a file for its keys."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from operation.engine.delivery.serving.keys import read_keys, sound_keys
from operation.engine.delivery.serving.settings import MOST_BYTES, Settings
from operation.engine.foundation.errors import UsageError

SOURCE = Path(__file__).resolve().parents[5] / "src"
PORT = 5001
GRACEFUL_SECONDS = 8.0  # `docker stop` waits for ten before it kills


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return how the service runs.

    Parameters
    ----------
    environment : mapping of str to str
        SCORE_PORT (5001), SCORE_HOST (every address), SCORE_KEY or SCORE_KEY_FILE, or SCORE_OPEN=yes,
        SCORE_WORKERS (1), SCORE_THREADS (8), SCORE_MOST_BYTES (10 MB), SCORE_SECONDS (30) for a request to
        arrive, SCORE_GRACEFUL_SECONDS (8) for requests to end when it stops, SCORE_STATE (a folder that can
        be written; below the system's for temporary files), SCORE_ARGUMENTS (more for ``score.py``).

    Raises
    ------
    UsageError
        For a value that is none, or when nothing says who may ask.
    """
    return Settings(
        source=SOURCE,
        words=tuple(shlex.split(environment.get("SCORE_ARGUMENTS", ""))),
        host=environment.get("SCORE_HOST", "0.0.0.0"),  # noqa: S104 - a container is reached from outside
        port=_whole(environment, "SCORE_PORT", PORT),
        keys=keys_from(environment),
        state=Path(environment.get("SCORE_STATE") or Path(tempfile.gettempdir()) / "service"),
        workers=_whole(environment, "SCORE_WORKERS", 1),
        threads=_whole(environment, "SCORE_THREADS", 8),
        most_bytes=_whole(environment, "SCORE_MOST_BYTES", MOST_BYTES),
        seconds=number(environment, "SCORE_SECONDS", 30.0),
        graceful_seconds=number(environment, "SCORE_GRACEFUL_SECONDS", GRACEFUL_SECONDS),
    )


def keys_from(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys that open the service; none only where that is asked for.

    Raises
    ------
    UsageError
        When nothing says who may ask, or a key is too short.
    """
    if file := environment.get("SCORE_KEY_FILE"):
        return read_keys(Path(file), "SCORE_KEY_FILE")
    if keys := environment.get("SCORE_KEY"):
        return sound_keys(keys.split(), "SCORE_KEY")
    if environment.get("SCORE_OPEN") == "yes":
        return ()
    raise UsageError(
        "nothing says who may ask: mount a file with a key a line and name it with SCORE_KEY_FILE, "
        "or set SCORE_KEY; SCORE_OPEN=yes opens the service to whoever reaches it"
    )


def number(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return a positive number from the environment.

    Raises
    ------
    UsageError
        When it is none.
    """
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{name}: {text!r} is no number above 0; leave it out for {default:g}")
    return value


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    value = number(environment, name, default)
    if value != int(value) or (name == "SCORE_PORT" and value > 65_535):
        raise UsageError(f"{name}: {environment[name]!r} will not do; leave it out for {default}")
    return int(value)
