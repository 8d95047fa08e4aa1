"""What is served, where, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 10_000_000
PLAN, ASKED = "plan.json", "challenger.json"


@dataclass(frozen=True)
class ServedModel:
    """The model as ``src/score.py`` found and verified it.

    Parameters
    ----------
    folder : Path
        Holds model.pickle and model.json.
    name, version : str or None
        As registered.
    digest : str
        SHA-256 of its bytes.
    """

    folder: Path
    name: str | None
    version: str | None
    digest: str

    @property
    def words(self) -> list[str]:
        """What names it to the scoring script."""
        named = {"model": self.folder, "name": self.name, "version": self.version, "digest": self.digest}
        return [str(word) for name, value in named.items() if value for word in (f"--{name}", value)]

    def __str__(self) -> str:
        known = f"{self.name} version {self.version}" if self.name else str(self.folder)
        return f"{known} ({self.digest[:12]})"


@dataclass(frozen=True)
class Settings:
    """How a service runs.

    Parameters
    ----------
    source : Path
        The folder of ``score.py``.
    words : tuple of str
        What ``score.py`` is given beside the model.
    host, port : str, int
        Where it listens.
    keys : tuple of str
        Any of them opens the service; without one it is open to whoever reaches it.
    state : Path
        Folder for what its processes share: which models are served, and their metrics.
    workers, threads : int
        Processes, and requests at once in each.
    most_bytes : int
        Of a request; longer ones are refused unread.
    seconds : float
        That a client may take to send the head of a request, and then its body.
    graceful_seconds : float
        That requests are given to end when the service stops.
    """

    source: Path
    words: tuple[str, ...]
    host: str
    port: int
    keys: tuple[str, ...]
    state: Path
    workers: int = 1
    threads: int = 8
    most_bytes: int = MOST_BYTES
    seconds: float = 30.0
    graceful_seconds: float = 30.0

    @property
    def address(self) -> str:
        """The service's URL, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def state_folder(runs: Path, port: int) -> Path:
    """Return the folder of the service on `port`."""
    return runs / "serving" / str(port)


def plan_file(runs: Path, port: int) -> Path:
    """Return the file that says who answers on `port`, where a service has a challenger."""
    return state_folder(runs, port) / PLAN


def served_from(document: dict[str, Any]) -> ServedModel:
    """Return what ``score.py`` has said of the model."""
    return ServedModel(
        Path(document["folder"]), document["name"], document["version"], str(document["digest"])
    )
