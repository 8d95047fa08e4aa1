"""Configuration of a service in an image: environment variables, and a file for its keys."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from operation.engine.delivery.serving.settings import MOST_BYTES, Settings, checked_keys, read_keys
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
        For an invalid value, or when neither keys nor SCORE_OPEN are set.
    """
    return Settings(
        source=SOURCE,
        arguments=tuple(shlex.split(environment.get("SCORE_ARGUMENTS", ""))),
        host=environment.get("SCORE_HOST", "0.0.0.0"),  # noqa: S104 - a container is reached from outside
        port=_whole(environment, "SCORE_PORT", PORT, most=65_535),
        keys=_keys(environment),
        state=Path(environment.get("SCORE_STATE") or Path(tempfile.gettempdir()) / "service"),
        workers=_whole(environment, "SCORE_WORKERS", 1),
        threads=_whole(environment, "SCORE_THREADS", 8),
        most_bytes=_whole(environment, "SCORE_MOST_BYTES", MOST_BYTES),
        seconds=number(environment, "SCORE_SECONDS", 30.0),
        graceful_seconds=number(environment, "SCORE_GRACEFUL_SECONDS", GRACEFUL_SECONDS),
    )


def _keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the API keys that open the service; none only where that is asked for."""
    if file := environment.get("SCORE_KEY_FILE"):
        return read_keys(Path(file), "SCORE_KEY_FILE")
    if keys := environment.get("SCORE_KEY"):
        return checked_keys(keys.split(), "SCORE_KEY")
    if environment.get("SCORE_OPEN") == "yes":
        return ()
    raise UsageError(
        "No API key is set. Mount a file with one key per line and name it with SCORE_KEY_FILE, or set "
        "SCORE_KEY; SCORE_OPEN=yes opens the service to everyone who reaches it."
    )


def number(environment: Mapping[str, str], name: str, default: float) -> float:
    """Return a positive number from the environment; a UsageError where it is none."""
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"{name}: {text!r} is not a number above 0. Leave it out for {default:g}.")
    return value


def _whole(environment: Mapping[str, str], name: str, default: int, most: float = float("inf")) -> int:
    value = number(environment, name, default)
    if value != int(value) or value > most:
        limit = "" if most == float("inf") else f" up to {most:g}"
        raise UsageError(
            f"{name}: {environment[name]!r} is not a whole number{limit}. Leave it out for {default}."
        )
    return int(value)
