"""What a run is asked for, and everything about it that can be checked before a kernel starts."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.foundation.errors import ConfigurationError, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.notebooks.limits import NO_LIMITS, Limits

if TYPE_CHECKING:  # a request that was answered before needs none of these
    from operation.engine.configuration import Configuration, NotebookEntry
    from operation.engine.foundation.run_folder import RunFolder
    from operation.engine.notebooks.assignments import Assignments


@dataclass(frozen=True)
class Request:
    """What ``run`` was asked for."""

    environment: str | None = None  # None: the default
    use_case: str | None = None  # None: the default
    notebooks: Sequence[str] = ()  # names; empty: all of the use case
    given: Sequence[str] = ()  # ``name=value`` each
    fresh: bool = False  # execute every step, reuse nothing
    engine: str = "workbench"  # what executes the notebooks; ``nbclient`` is papermill's stock engine
    limits: Limits = NO_LIMITS  # time and memory of each notebook; by default none
    include_secrets: bool = False  # leave a capsule though a secret in it cannot be masked
    jobs: int | None = None  # notebooks at once; None: as many as there are cores

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        return shlex.join(["python3", "-m", "operation", "run", *self.options])

    @property
    def options(self) -> list[str]:
        """The options of that command line."""
        argv = ["--environment", self.environment] if self.environment else []
        argv += ["--use-case", self.use_case] if self.use_case else []
        argv += ["--notebook", *self.notebooks] if self.notebooks else []
        argv += [word for assignment in self.given for word in ("-p", assignment)]
        argv += ["--fresh"] if self.fresh else []
        argv += ["--engine", self.engine] if self.engine != "workbench" else []
        argv += ["--jobs", str(self.jobs)] if self.jobs else []
        return argv + self.limits.options

    @property
    def at_once(self) -> int:
        """How many notebooks are executed at once."""
        named = len(self.notebooks) or sys.maxsize
        return min(self.limits.at_once(self.jobs), named)


@dataclass(frozen=True)
class Prepared:
    """A request that was found to be sound: nothing has started yet."""

    request: Request
    configured: Configuration
    notebooks: Sequence[NotebookEntry]
    assignments: Assignments
    sources: Mapping[str, Path]

    def hand_over(self, layout: Layout, folder: RunFolder) -> None:
        """Write into the run's folder what its processes read there."""
        from operation.engine.configuration.resolved import to_json

        configuration = to_json(self.configured, layout)
        folder.hand_over(configuration, self.assignments.overrides, fresh=self.request.fresh)

    def parameters(self, name: str) -> dict[str, object]:
        """Return what is injected into the notebook `name`: only what its parameters cell declares."""
        from operation.engine.identity.notebook_parameters import read_parameters

        declared = read_parameters(self.sources[name])
        entry = next(entry for entry in self.notebooks if entry.name == name)
        chosen = {"use_case": self.configured.use_case, "environment": self.configured.environment}
        values = {**chosen, **entry.parameters, **self.assignments.parameters.get(name, {})}
        return {key: value for key, value in values.items() if key in declared}


def prepare(layout: Layout, request: Request) -> Prepared:
    """Check everything that can be checked before a kernel starts; raise all mistakes at once."""
    from operation.engine import configuration
    from operation.engine.notebooks.assignments import assign
    from operation.engine.notebooks.wiring import wiring_problems

    configured = configuration.load(request.environment, request.use_case, layout)
    notebooks = _chosen(configured, request.notebooks)
    sources = {entry.name: layout.notebooks / f"{entry.name}.ipynb" for entry in notebooks}
    assignments = assign(configured, list(sources.values()), request.given)
    files = sources.values()
    problems = [one for path in files for one in wiring_problems(path, layout.relative(path), configured)]
    if problems:  # a green run would show another model than the one that is registered
        raise ConfigurationError(problems)
    return Prepared(request, configured, notebooks, assignments, sources)


def _chosen(configured: Configuration, names: Sequence[str]) -> list[NotebookEntry]:
    known = {entry.name: entry for entry in configured.notebooks}
    requested = [name.removesuffix(".ipynb") for name in names]
    use_case = configured.use_case
    unknown = [
        f"--notebook {name}: the use case '{use_case}' has no such notebook.{did_you_mean(name, known)}"
        for name in requested
        if name not in known
    ]
    if unknown:
        raise UsageError("\n".join([*unknown, f"It has: {', '.join(known)}."]))
    return [known[name] for name in requested] if requested else list(configured.notebooks)
