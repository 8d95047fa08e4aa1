"""What schemas miss: names that lead nowhere, expressions, literals, steps that are no workbench command."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from operation.engine.configuration.variables import circles
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.conditions import effective
from operation.engine.pipelines.evaluation import embedded, mistakes
from operation.engine.pipelines.expressions import AZURE, GITHUB, ExpressionError, parse
from operation.engine.pipelines.model import COMMAND, DOWNLOAD, PUBLISH, Job, Pipeline, Stage, Step
from operation.engine.pipelines.plan import words_of
from operation.engine.pipelines.references import reference_mistakes
from operation.engine.pipelines.tree import Node

# what makes a tool available; a local run leaves it to the machine
SET_UP = re.compile(r"npm install --global [\w./-]+@[\w.-]+")
PYTHON_WORDS = (["python", "-m", "operation"], ["python3", "-m", "operation"])
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")
_OPEN = re.compile(r"\$[(\[{]")
_CONTEXTS = {
    (AZURE, "stage"): "variables dependencies pipeline",
    (AZURE, "job"): "variables dependencies stageDependencies pipeline",
    (AZURE, "step"): "variables pipeline",
    (GITHUB, "stage"): "github needs vars inputs",
    (GITHUB, "job"): "github needs vars inputs",
    (GITHUB, "step"): "github needs vars inputs env steps job runner matrix strategy secrets",
}


@dataclass(frozen=True)
class Names:
    """What pipelines may name."""

    environments: Collection[str]
    connections: Collection[str]
    command_problem: Callable[[list[str]], str | None]  # of the words behind ``python -m operation``


def pipeline_problems(pipeline: Pipeline, names: Names) -> Iterator[Problem]:
    """Yield every mistake of a pipeline that could be read."""
    check = _Check(pipeline, names)
    return check.problems()


class _Check:
    def __init__(self, pipeline: Pipeline, names: Names) -> None:
        self._pipeline, self._names = pipeline, names
        self._stages = {stage.name: stage for stage in pipeline.stages}

    def problems(self) -> Iterator[Problem]:
        stages = self._pipeline.stages
        yield from self._graph({stage.name: (stage.node, stage.needs) for stage in stages}, "stage")
        yield from _twice([(stage.name, stage.node) for stage in stages], "stage")
        for stage in stages:
            yield from self._condition(stage.node, stage.condition, "stage", stage, None)
            jobs = {job.name: job for job in stage.jobs}
            yield from self._graph({job.name: (job.node, job.needs) for job in jobs.values()}, "job")
            for job in jobs.values():
                yield from self._job(job, stage)

    def _graph(self, graph: dict[str, tuple[Node, tuple[str, ...]]], kind: str) -> Iterator[Problem]:
        for name, (node, needs) in graph.items():
            for need in needs:
                if need not in graph:
                    hint = did_you_mean(need, [other for other in graph if other != name])
                    yield _needs_node(node).refuse(f"there is no {kind} '{need}' to depend on.{hint}").problem
        inner = {name: [need for need in needs if need in graph] for name, (_, needs) in graph.items()}
        for name, path in circles(inner):
            message = f"{kind} '{name}' waits for itself: {' -> '.join(path)}. Remove one of them."
            yield _needs_node(graph[name][0]).refuse(message).problem

    def _job(self, job: Job, stage: Stage) -> Iterator[Problem]:
        yield from self._condition(job.node, job.condition, "job", stage, job)
        yield from self._literal(job.node, "environment", job.environment, self._names.environments)
        for key in (stage.name, job.name):
            if key and not _IDENTIFIER.fullmatch(
                key.replace("-", "_") if self._pipeline.system == GITHUB else key
            ):
                yield job.node.refuse(f"'{key}' is no valid name: use letters, digits and '_'.").problem
        yield from _twice([(step.name, step.node) for step in job.steps if step.name], "step")
        for text, node in [(node.text(), node) for node in job.outputs.values()]:
            yield from self._embedded(node, text, job)
        for step in job.steps:
            yield from self._step(step, stage, job)

    def _step(self, step: Step, stage: Stage, job: Job) -> Iterator[Problem]:
        yield from self._condition(step.node, step.condition, "step", stage, job)
        for key, value in step.env.items():
            yield from self._embedded(step.node.items()["env"].items()[key], value, job)
        uses = step.node.items().get("uses")
        if uses is not None and not _PINNED.fullmatch(uses.text()):
            pinned = f"{uses.text().partition('@')[0]}@<40 digits>"
            message = f"'{uses.text()}' is not pinned: tags move. Write the whole commit, {pinned}."
            yield uses.refuse(message).problem
        if step.login:
            yield from self._literal(
                step.node.items()["inputs"], "azureSubscription", step.login, self._names.connections
            )
        if step.kind == COMMAND:
            yield from self._command(step, job)
        if step.kind == DOWNLOAD and step.artifact not in self._published():
            hint = did_you_mean(step.artifact, self._published())
            yield step.node.refuse(f"no step publishes the artifact '{step.artifact}'.{hint}").problem

    def _published(self) -> list[str]:
        jobs = [job for stage in self._pipeline.stages for job in stage.jobs]
        return [step.artifact for job in jobs for step in job.steps if step.kind == PUBLISH]

    def _command(self, step: Step, job: Job) -> Iterator[Problem]:
        node = _command_node(step.node)
        yield from self._embedded(node, step.text, job)
        for line in filter(None, map(str.strip, step.text.splitlines())):
            words = words_of(line)
            if not words:
                yield node.refuse(f"'{line}' opens a quote that nothing closes.").problem
            elif words[:3] in PYTHON_WORDS:
                problem = self._names.command_problem(words[3:])
                if problem:
                    yield node.refuse(f"'{line}': {problem}").problem
            elif not SET_UP.fullmatch(line):
                yield node.refuse(
                    f"'{line}' is no workbench command, so that nobody can run this step elsewhere. "
                    "Write python -m operation <command>."
                ).problem

    def _literal(self, node: Node, key: str, value: str, known: Collection[str]) -> Iterator[Problem]:
        """Yield the problem of a name that Azure resolves before any variable is known."""
        member = node.items().get(key, node)
        if _OPEN.search(value):
            yield member.refuse(
                f"{key} '{value}' must be literal: it is resolved before variables are. "
                "Write it out: python3 -m operation pipelines write."
            ).problem
        elif value and value not in known:
            hint = did_you_mean(value, known)
            yield member.refuse(
                f"{key} '{value}' is not what configuration/ names: {listed(sorted(known))}.{hint}"
            ).problem

    def _embedded(self, node: Node, text: str, job: Job) -> Iterator[Problem]:
        if self._pipeline.system == GITHUB:
            for expression in embedded(text):
                yield from self._expression(node, expression, "step", None, job)

    def _condition(
        self, node: Node, text: str, level: str, stage: Stage, job: Job | None
    ) -> Iterator[Problem]:
        if not text:
            return
        member = node.items().get("condition" if self._pipeline.system == AZURE else "if", node)
        if self._pipeline.system == AZURE and text.startswith(("$[", "$(", "${{")):
            yield member.refuse(f"'{text}': a condition is an expression without signs around it.").problem
            return
        yield from self._expression(member, text, level, stage, job)

    def _expression(
        self, node: Node, text: str, level: str, stage: Stage | None, job: Job | None
    ) -> Iterator[Problem]:
        dialect = self._pipeline.system
        try:
            expression = parse(text, dialect)
            if level != "step":
                parse(effective(text, dialect), dialect)
        except ExpressionError as error:
            yield node.refuse(str(error)).problem
            return
        for mistake in mistakes(expression, dialect, _CONTEXTS[dialect, level].split()):
            yield node.refuse(f"'{text.strip()}': {mistake}").problem
        for mistake in reference_mistakes(expression, self._pipeline, level, stage, job):
            yield node.refuse(f"'{text.strip()}': {mistake}").problem


def _twice(named: list[tuple[str, Node]], kind: str) -> Iterator[Problem]:
    lines: dict[str, int] = {}
    for name, node in named:
        if name in lines:
            yield node.refuse(f"{kind} '{name}' repeats line {lines[name]}. Rename one of them.").problem
        lines.setdefault(name, node.line)


def _needs_node(node: Node) -> Node:
    members = node.items()
    return members.get("dependsOn") or members.get("needs") or node


def _command_node(node: Node) -> Node:
    members = node.items()
    keys = ("run", "bash", "script", "inputs")
    return next((members[key] for key in keys if key in members), node)
