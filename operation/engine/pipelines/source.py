"""``operation/pipelines/pipelines.yml``: the list of stages that both systems' files are written from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from operation.engine.configuration.environment_file import read_environment
from operation.engine.configuration.loading import DEFAULT_ENVIRONMENT, configuration_file, environments
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.pipelines.tree import Findings, Node, read_tree

LAST = "PROD"
CONNECTIONS = {"workspace": "SERVICECONNECTION_WS", "resource-group": "SERVICECONNECTION_RG"}
_PIPELINE = "pull-requests branches schedule stages"
_STAGE = "title environments after when azure minutes systems set-up steps results"
_STEP = "run name output when"
_WHEN = ("failed", "always")
DEFAULT_MINUTES = 60


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
    minutes: int
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
        pipelines = read_tree(layout, source_file(layout)).items().items()
        return findings.each(pipelines, lambda entry: _pipeline(layout, *entry, findings))
    return []


def _pipeline(layout: Layout, name: str, node: Node, findings: Findings) -> SourcePipeline:
    node.require_keys(_PIPELINE, f"of pipeline '{name}'")
    stages, order = node.mapping("stages"), in_order(layout)
    if not stages:
        raise node.refuse(f"pipeline '{name}' has no stages.")
    read: list[SourceStage] = []
    for key, stage in stages.items():
        with findings.collecting():
            for environment, names in _of_environments(key, stage, order):
                one = _replaced(key, names).replace("-", "_")
                read.append(_stage(layout, one, environment, _filled(stage, names), read))
    pull_requests = node.word("pull-requests") == "true"
    return SourcePipeline(name, pull_requests, node.words("branches"), node.cron("schedule"), tuple(read))


def _of_environments(key: str, node: Node, order: list[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each environment that a stage is for, with what its placeholders stand for."""
    node.require_keys(_STAGE, f"of stage '{key}'")
    chosen = {
        "": [""],
        "first": order[:1],
        "between": order[1:-1],
        "last": order[1:][-1:],
        "later": order[1:],
        "all": order,
    }
    for environment in chosen[node.choice("environments", chosen)]:
        before = order[max(0, order.index(environment) - 1)] if environment else ""
        yield environment, {"{environment}": environment, "{previous}": before}


def _filled(node: Node, names: Mapping[str, str]) -> Node:
    """Return a part of the list with what its placeholders stand for."""
    if isinstance(node.value, dict):
        return node.at({key: _filled(member, names) for key, member in node.value.items()})
    if isinstance(node.value, list):
        return node.at([_filled(member, names) for member in node.value])
    return Node(
        _replaced(node.value, names) if isinstance(node.value, str) else node.value, node.file, node.line
    )


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    return text


def _stage(layout: Layout, name: str, environment: str, node: Node, before: list[SourceStage]) -> SourceStage:
    known, gate = [stage.name for stage in before], _gate(node, before)
    words = [word for word in node.words("after") if known or word != "previous"]
    after = [known[-1] if word == "previous" else word for word in words]
    for other in after:
        if other not in known:
            hint = did_you_mean(other, known)
            raise node.items()["after"].refuse(f"there is no stage '{other}' before this one.{hint}")
    if gate and gate.stage not in after:
        after.append(gate.stage)
    kind, steps = node.choice("azure", CONNECTIONS), node.get("steps")
    if steps is None:
        raise node.refuse(f"stage '{name}' has no steps.")
    return SourceStage(
        name,
        node.word("title", name),
        tuple(after),
        tuple(map(_step, steps.members())),
        environment,
        connection_names(layout, environment).get(kind, "") if kind and environment else "",
        gate,
        round((node.minutes("minutes") or 60 * DEFAULT_MINUTES) / 60),
        node.words("systems"),
        node.words("set-up"),
        node.word("results"),
    )


def _gate(node: Node, before: list[SourceStage]) -> Gate | None:
    text = node.word("when")
    if not text:
        return None
    path, _, value = text.partition(" is ")
    parts = path.strip().split(".")
    if len(parts) != 3 or not value.strip():
        raise node.items()["when"].refuse(f"'{text}' cannot be read: write stage.step.output is value.")
    stage, step, output = parts
    return Gate(before[-1].name if stage == "previous" and before else stage, step, output, value.strip())


def _step(node: Node) -> SourceStep:
    if not isinstance(node.value, dict):
        return SourceStep(node.text())
    node.require_keys(_STEP, "of a step")
    return SourceStep(node.word("run"), node.word("name"), node.word("output"), node.choice("when", _WHEN))
