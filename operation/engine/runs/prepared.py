"""Everything about a request that can be checked before a kernel starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operation.engine import configuration
from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.errors import UsageError
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean
from operation.engine.notebooks.assignments import Assignments, assign
from operation.engine.notebooks.parameters import read_parameters
from operation.engine.runs.request import Request


@dataclass(frozen=True)
class Prepared:
    """A request that was found to be sound: nothing has started yet."""

    request: Request
    configured: Configuration
    notebooks: Sequence[NotebookEntry]
    assignments: Assignments
    sources: Mapping[str, Path]

    def parameters(self, name: str) -> dict[str, object]:
        """Return what is injected into the notebook `name`: only what its parameters cell declares."""
        declared = read_parameters(self.sources[name])
        entry = next(one for one in self.notebooks if one.name == name)
        chosen = {"use_case": self.configured.use_case, "environment": self.configured.environment}
        values = {**chosen, **entry.parameters, **self.assignments.parameters.get(name, {})}
        return {key: value for key, value in values.items() if key in declared}


def prepare(layout: Layout, request: Request) -> Prepared:
    """Check everything that can be checked before a kernel starts.

    Raises
    ------
    ConfigurationError, UsageError
        With all mistakes of the configuration, or of the request.
    """
    configured = configuration.load(request.environment, request.use_case, layout)
    notebooks = _chosen(configured, request.notebooks)
    sources = {one.name: layout.notebooks / f"{one.name}.ipynb" for one in notebooks}
    return Prepared(
        request, configured, notebooks, assign(configured, list(sources.values()), request.given), sources
    )


def _chosen(configured: Configuration, names: Sequence[str]) -> list[NotebookEntry]:
    known = {one.name: one for one in configured.notebooks}
    wanted = [name.removesuffix(".ipynb") for name in names]
    use_case = configured.use_case
    unknown = [
        f"--notebook {name}: the use case '{use_case}' has no such notebook.{did_you_mean(name, known)}"
        for name in wanted
        if name not in known
    ]
    if unknown:
        raise UsageError("\n".join([*unknown, f"It has: {', '.join(known)}."]))
    return [known[name] for name in wanted] if wanted else list(configured.notebooks)
