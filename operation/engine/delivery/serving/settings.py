"""What is served, where, within which limits, and which keys open it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation.errors import UsageError

MOST_BYTES = 10_000_000
SHORTEST_KEY = 16
PLAN, REQUEST = "plan.json", "challenger.json"  # who answers; which challenger was asked for
LOOK = "look"  # written by who has changed the registry: the service looks its models up again at once


@dataclass(frozen=True)
class ServedModel:
    """The model as ``src/score.py`` found and verified it."""

    folder: Path  # holds model.pickle and model.json
    name: str | None  # as registered
    version: str | None
    digest: str  # SHA-256 of its bytes

    @property
    def arguments(self) -> list[str]:
        """What names it to the scoring script."""
        named = {"model": self.folder, "name": self.name, "version": self.version, "digest": self.digest}
        return [str(word) for name, value in named.items() if value for word in (f"--{name}", value)]

    def __str__(self) -> str:
        label = f"{self.name} version {self.version}" if self.name else str(self.folder)
        return f"{label} ({self.digest[:12]})"


@dataclass(frozen=True)
class Settings:
    """How a service runs."""

    source: Path  # the folder of ``score.py``
    arguments: tuple[str, ...]  # what ``score.py`` is given beside the model
    host: str  # where it listens
    port: int
    keys: tuple[str, ...]  # any of them opens the service; without one it is open to whoever reaches it
    state: Path  # folder for what its processes share: which models are served, and their metrics
    workers: int = 1  # processes
    threads: int = 8  # requests at once in each process
    most_bytes: int = MOST_BYTES  # of a request; longer ones are refused unread
    seconds: float = 30.0  # that a client may take to send the head of a request, and then its body
    graceful_seconds: float = 30.0  # that requests are given to end when the service stops

    @property
    def address(self) -> str:
        """The service's URL, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def state_folder(runs: Path, port: int) -> Path:
    """Return the folder of the service on `port`."""
    return runs / "serving" / str(port)


def served_from(document: dict[str, Any]) -> ServedModel:
    """Return the model that ``score.py`` described."""
    return ServedModel(
        Path(document["folder"]), document["name"], document["version"], str(document["digest"])
    )


def read_keys(file: Path | None, option: str = "--key-file") -> tuple[str, ...]:
    """Return the API keys in `file`, one on each line; `option` is what named it.

    Raises
    ------
    UsageError
        When it cannot be read, or a key is too short to be one.
    """
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{option}: cannot read {file}: {error}") from error
    return checked_keys(lines, f"{option}: {file}")


def checked_keys(lines: Iterable[str], where: str) -> tuple[str, ...]:
    """Return the API keys in `lines`; a UsageError that begins with `where` if none, or one is too short."""
    keys = tuple(key for line in lines if (key := line.strip()))
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise UsageError(
            f"{where} must hold one API key per line, each of at least {SHORTEST_KEY} characters. "
            'Create one: python3 -c "import secrets; print(secrets.token_urlsafe())"'
        )
    return keys
