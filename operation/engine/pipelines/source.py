"""``operation/pipelines/pipelines.yml``: the list of stages that both systems' files are written from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from operation.engine.configuration.environment_file import read_environment
from operation.engine.configuration.loading import DEFAULT_ENVIRONMENT, configuration_file, environments
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.tree import Findings, Node, read_tree

LAST = "PROD"
CONNECTIONS = {"workspace": "SERVICECONNECTION_WS", "resource-group": "SERVICECONNECTION_RG"}
_PIPELINE = ["pull-requests", "branches", "schedule", "stages"]
_STAGE = [
    "title",
    "environments",
    "after",
    "when",
    "azure",
    "minutes",
    "systems",
    "set-up",
    "steps",
    "results",
]
_STEP = ["run", "name", "output", "when"]
_WHEN = ("failed", "always")
DEFAULT_MINUTES = "60"


@dataclass(frozen=True)
class SourceStep:
    """A workbench command."""

    words: str  # behind ``python -m operation``
    name: str = ""
    output: str = ""
    when: str = ""  # failed, always, or empty for "as long as nothing failed"


@dataclass(frozen=True)
class Gate:
    """The output of an earlier stage that a stage waits for."""

    stage: str
    step: str
    output: str
    value: str


@dataclass(frozen=True)
class SourceStage:
    """A stage, already that of one environment."""

    name: str
    title: str
    after: tuple[str, ...]
    steps: tuple[SourceStep, ...]
    environment: str  # empty for a stage of none
    connection: str  # Azure's service connection; empty where nothing logs in
    gate: Gate | None
    minutes: str
    systems: tuple[str, ...]
    set_up: tuple[str, ...]
    results: str  # file of test results


@dataclass(frozen=True)
class SourcePipeline:
    """A pipeline with its stages in order."""

    name: str
    pull_requests: bool
    branches: tuple[str, ...]
    schedule: str
    stages: tuple[SourceStage, ...]


def source_file(layout: Layout) -> Path:
    """Return the file of the list."""
    return layout.root / "operation" / "pipelines" / "pipelines.yml"


def in_order(layout: Layout) -> list[str]:
    """Return the environments in the order of promotion: DEV, all others by name, PROD."""
    return sorted(environments(layout), key=lambda name: (name == LAST, name != DEFAULT_ENVIRONMENT, name))


def connection_names(layout: Layout, environment: str) -> dict[str, str]:
    """Return what the environment's file, and it alone, calls its service connections."""
    path = configuration_file(layout, environment)
    variables = read_environment(path, layout.relative(path), environment, {})[0].variables
    return {kind: variables[name].text for kind, name in CONNECTIONS.items() if name in variables}


def read_source(layout: Layout, findings: Findings) -> list[SourcePipeline]:
    """Read the list; `findings` takes its mistakes."""
    with findings.collecting():
        root = read_tree(layout, source_file(layout))
        order = in_order(layout)
        pipelines = []
        for name, node in root.items().items():
            with findings.collecting():
                pipelines.append(_pipeline(layout, name, node, order, findings))
        return pipelines
    return []


def _pipeline(layout: Layout, name: str, node: Node, order: list[str], findings: Findings) -> SourcePipeline:
    node.require_keys(_PIPELINE, f"of pipeline '{name}'")
    stages = node.get("stages")
    if stages is None:
        raise node.refuse(f"pipeline '{name}' has no stages.")
    read: list[SourceStage] = []
    for key, stage in stages.items().items():
        with findings.collecting():
            read += _stages(layout, key, stage, order, read)
    branches = node.get("branches")
    return SourcePipeline(
        name,
        node.word("pull-requests") == "true",
        tuple(member.text() for member in branches.members()) if branches else (),
        node.word("schedule"),
        tuple(read),
    )


def _stages(
    layout: Layout, key: str, node: Node, order: list[str], before: list[SourceStage]
) -> Iterator[SourceStage]:
    """Yield a stage for each environment that it is for."""
    node.require_keys(_STAGE, f"of stage '{key}'")
    choice = node.word("environments")
    chosen = {
        "": [""],
        "first": order[:1],
        "between": order[1:-1],
        "last": order[1:][-1:],
        "later": order[1:],
        "all": order,
    }
    if choice not in chosen:
        hint = did_you_mean(choice, chosen)
        raise node.items()["environments"].refuse(
            f"'{choice}': expected first, between, last, later or all.{hint}"
        )
    own: list[SourceStage] = []
    for environment in chosen[choice]:
        place = order.index(environment) if environment else 0
        names = {
            "{environment}": environment,
            "{previous}": order[place - 1] if place else environment,
        }
        stage = _stage(layout, key, node, names, [*before, *own])
        own.append(stage)
        yield stage


def _stage(
    layout: Layout, key: str, node: Node, names: Mapping[str, str], before: list[SourceStage]
) -> SourceStage:
    def filled(text: str) -> str:
        for placeholder, value in names.items():
            text = text.replace(placeholder, value)
        return text

    def words(member: str) -> tuple[str, ...]:
        found = node.get(member)
        return tuple(filled(word.text()) for word in found.members()) if found else ()

    gate = _gate(node, filled, before)
    after = tuple(
        before[-1].name if word == "previous" else word
        for word in words("after")
        if before or word != "previous"
    )
    for name in after:
        if name not in [stage.name for stage in before]:
            hint = did_you_mean(name, [stage.name for stage in before])
            raise node.items()["after"].refuse(f"there is no stage '{name}' before this one.{hint}")
    if gate and gate.stage not in after:
        after = (*after, gate.stage)
    environment, kind = names["{environment}"], node.word("azure")
    if kind and kind not in CONNECTIONS:
        raise node.items()["azure"].refuse(
            f"'{kind}': expected {listed(CONNECTIONS)}.{did_you_mean(kind, CONNECTIONS)}"
        )
    steps = node.get("steps")
    if steps is None:
        raise node.refuse(f"stage '{key}' has no steps.")
    return SourceStage(
        filled(key).replace("-", "_"),
        filled(node.word("title", key)),
        after,
        tuple(_step(member, filled) for member in steps.members()),
        environment,
        connection_names(layout, environment).get(kind, "") if kind and environment else "",
        gate,
        node.word("minutes", DEFAULT_MINUTES),
        words("systems"),
        words("set-up"),
        node.word("results"),
    )


def _gate(node: Node, filled: Callable[[str], str], before: list[SourceStage]) -> Gate | None:
    text = node.word("when")
    if not text:
        return None
    path, _, value = filled(text).partition(" is ")
    parts = path.strip().split(".")
    if len(parts) != 3 or not value.strip():
        raise node.items()["when"].refuse(f"'{text}' cannot be read: write stage.step.output is value.")
    stage, step, output = parts
    return Gate(before[-1].name if stage == "previous" and before else stage, step, output, value.strip())


def _step(node: Node, filled: Callable[[str], str]) -> SourceStep:
    if not isinstance(node.value, dict):
        return SourceStep(filled(node.text()))
    node.require_keys(_STEP, "of a step")
    when = node.word("when")
    if when and when not in _WHEN:
        raise node.items()["when"].refuse(f"'{when}': expected {listed(_WHEN)}.{did_you_mean(when, _WHEN)}")
    return SourceStep(filled(node.word("run")), node.word("name"), node.word("output"), when)
