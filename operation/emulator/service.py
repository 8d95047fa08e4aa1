"""The service as one object: where its state is, and what it has running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from operation.emulator import tokens
from operation.emulator.paths import file_name
from operation.emulator.state import State

Part = TypeVar("Part")


class Service:
    """What every call can reach."""

    def __init__(
        self, folder: Path, url: str, environment: dict[str, str], token_seconds: int = 86_400
    ) -> None:
        self.folder, self.url, self.environment = folder, url, environment  # the last leads the SDK here
        self.token_seconds = token_seconds
        self.secret = tokens.signing_key(folder)
        self.at_end: list[Callable[[], None]] = []  # the last one is called first
        self._lock = threading.RLock()
        self._states: dict[str, State] = {}
        self._parts: dict[object, Any] = {}

    def part(self, kind: Callable[[Service], Part]) -> Part:
        """Return the service's one `kind`, created when it is first asked for."""
        with self._lock:
            if kind not in self._parts:
                self._parts[kind] = kind(self)
            part: Part = self._parts[kind]
            return part

    def state(self, workspace: str) -> State:
        """Return the state of one workspace; its name counts in any case, as in Azure."""
        name = file_name(workspace.lower(), "a workspace")
        with self._lock:
            if name not in self._states:
                self._states[name] = State(self.folder / "workspaces" / name)
            return self._states[name]

    def workspaces(self) -> list[str]:
        """Return the names of the workspaces that have any state."""
        return sorted(folder.name for folder in (self.folder / "workspaces").glob("*/"))

    def stop(self) -> None:
        """End what runs."""
        for end in reversed(self.at_end):
            end()
