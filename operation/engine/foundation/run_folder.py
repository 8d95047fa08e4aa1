"""The folder of one run, as the processes that work for it see it."""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.secrets import mask_values

VARIABLE = "WORKBENCH_RUN"
NOTEBOOK = "WORKBENCH_NOTEBOOK"
_GLANCE = 0.02  # seconds between two looks for the mark that another process takes away


@dataclass(frozen=True)
class RunFolder:
    """``runs/<id>``."""

    path: Path  # the folder

    def hand_over(
        self, configuration: Mapping[str, Any], overrides: Mapping[str, Any], *, fresh: bool
    ) -> None:
        """Write what the run's processes read; a configuration that would be masked they load themselves."""
        manifest.write(self.path / "overrides.json", overrides)
        if mask_values(configuration) == configuration:
            manifest.write(self.path / "configuration.json", configuration)
        if fresh:
            self.fresh.mkdir(exist_ok=True)
            (self.fresh / "run").touch()  # an archive keeps no empty folder

    @property
    def configuration(self) -> dict[str, Any] | None:
        """The configuration that was handed over."""
        return manifest.read(self.path / "configuration.json")

    @property
    def overrides(self) -> dict[str, dict[str, object]]:
        """Step -> argument -> value, for the whole run: what ``-p`` changed."""
        return dict((manifest.read(self.path / "overrides.json") or {}).items())

    @property
    def fresh(self) -> Path:
        """The folder of a run that executes every step again, once: it names the keys that were."""
        return self.path / "fresh"

    def is_due(self, key: str) -> bool:
        """Tell whether `key` is to be executed though its outputs are known."""
        return self.fresh.is_dir() and not (self.fresh / key).exists()

    def executed(self, key: str) -> None:
        """Note that `key` was executed, where that counts."""
        if self.fresh.is_dir():
            (self.fresh / key).touch()

    def record(self, step: Mapping[str, Any]) -> None:
        """Add one step's record; each is a file of its own, so that a kill loses none."""
        folder = self.path / "steps"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%H%M%S%f}-{secrets.token_hex(2)}-{step['step']}.json"
        manifest.write(folder / name, step)

    def mark(self, notebook: str) -> Path:
        """Return the file that is there while `notebook` waits; its folder is, where others begin then."""
        return self.path / "waiting" / notebook

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Say that this notebook waits in the block: another has its core, until there is a core again."""
        mark = self.mark(os.environ.get(NOTEBOOK, ""))
        if not mark.parent.is_dir():
            yield
            return
        mark.touch()
        try:
            yield
        finally:
            ready = mark.replace(returning(mark))
        while ready.exists():
            time.sleep(_GLANCE)

    def records(self) -> list[dict[str, Any]]:
        """Return all records, oldest first."""
        files = sorted((self.path / "steps").glob("*.json"))
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def returning(mark: Path) -> Path:
    """Return the file that replaces a notebook's `mark` when it would go on; who takes it away lets it."""
    return mark.with_name(f"{mark.name}.ready")


def current() -> RunFolder | None:
    """Return the run that this process works for, if it works for one."""
    named = os.environ.get(VARIABLE)
    return RunFolder(Path(named)) if named else None


def new(runs: Path, use_case: str, environment: str) -> RunFolder:
    """Make the folder of a new run; within a use case and environment, names sort as the runs began."""
    runs.mkdir(parents=True, exist_ok=True)
    while True:
        now = datetime.now(UTC)
        within = now.microsecond * 65_536 // 1_000_000  # four hexadecimal digits, 15 µs each
        folder = runs / f"{now:%Y%m%d-%H%M%S}-{use_case}-{environment}-{within:04x}"
        try:
            folder.mkdir()
        except FileExistsError:  # another process was as quick: take the next moment
            continue
        return RunFolder(folder)
