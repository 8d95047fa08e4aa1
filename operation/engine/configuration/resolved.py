"""One use case in one environment, resolved and checked, and as a file for the notebooks of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean

if TYPE_CHECKING:  # a notebook's process does without pydantic
    from operation.engine.configuration.models import Automl, Monitor, Pipeline


@dataclass(frozen=True)
class NotebookEntry:
    """A notebook of the use case, the parameters that it is given, and the notebooks that it comes after."""

    name: str
    parameters: dict[str, Any]
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """A Core Script with its arguments as the use case names them."""

    name: str  # the step
    script: Path  # the Core Script, absolute
    # input argument -> ``step.output`` of another step, or a path (from the root when relative)
    inputs: dict[str, str]
    # argument (with dashes) -> value; what was empty is left out, so that the script's default holds
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Configuration:
    """One use case in one environment, resolved and checked."""

    environment: str
    # the environment's variables with the optional ones' defaults, resolved
    variables: dict[str, str | int | float | bool]
    use_case: str
    description: str
    notebooks: tuple[NotebookEntry, ...]  # in the order in which they are executed
    steps: dict[str, Step]  # each after the steps that it reads from
    digest: str  # SHA-256 of the resolved content of both files
    deliveries: Step | None = None  # what collects them into the raw table
    monitor: Monitor | None = None  # when a new model is due
    automl: Automl | None = None  # the search by Azure ML that the use case's model is compared with
    pipeline: Pipeline | None = None  # how its pipeline is published

    def step(self, name: str) -> Step:
        """Return the step called `name`, that of the deliveries too, which is none of `steps`."""
        if self.deliveries and name == self.deliveries.name and name not in self.steps:
            return self.deliveries
        if name not in self.steps:
            hint = did_you_mean(name, self.steps)
            known = ", ".join(self.steps)
            raise UsageError(f"the use case '{self.use_case}' has no step '{name}'.{hint} It has: {known}.")
        return self.steps[name]

    def reference(self, source: object) -> tuple[str, str] | None:
        """Return step and output of an input's source ``step.output``; None for a path."""
        step, _, output = source.partition(".") if isinstance(source, str) else ("", "", "")
        return (step, output) if step in self.steps and output else None

    def upstream(self, sources: Iterable[object], stop: Collection[str] = ()) -> set[str]:
        """Return the steps that the `sources` of inputs come from, directly or not; none behind `stop`."""
        direct = {reference[0] for source in sources if (reference := self.reference(source))}
        behind = (self.upstream(self.steps[name].inputs.values(), stop) for name in direct - {*stop})
        return direct.union(*behind)


def to_json(configured: Configuration, layout: Layout) -> dict[str, Any]:
    """Return what the notebooks of a run need of its configuration, as JSON."""
    collecting = configured.deliveries
    names = ("environment", "variables", "use_case", "description", "digest")
    content = {name: getattr(configured, name) for name in names}
    return {
        **content,
        "notebooks": [{**asdict(entry), "after": list(entry.after)} for entry in configured.notebooks],
        "steps": [_to_json(step, layout) for step in configured.steps.values()],
        "deliveries": _to_json(collecting, layout) if collecting else None,
    }


def from_json(content: Mapping[str, Any], layout: Layout) -> Configuration:
    """Return the configuration that `to_json` wrote, perhaps on another machine."""
    steps = [_from_json(step, layout) for step in content["steps"]]
    read = {
        "notebooks": tuple(NotebookEntry(**entry) for entry in content["notebooks"]),
        "steps": {step.name: step for step in steps},
        "deliveries": _from_json(content["deliveries"], layout) if content["deliveries"] else None,
    }
    return Configuration(**{**content, **read})


def _to_json(step: Step, layout: Layout) -> dict[str, Any]:
    return {**asdict(step), "script": layout.relative(step.script)}


def _from_json(step: Mapping[str, Any], layout: Layout) -> Step:
    return Step(**{**step, "script": (layout.root / step["script"]).resolve()})
