"""What schemas miss: names that lead nowhere, expressions, literals, steps that are no workbench command."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from operation.engine.configuration.variables import circles
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.evaluation import embedded, mistakes
from operation.engine.pipelines.expressions import AZURE, GITHUB, ExpressionError, parse
from operation.engine.pipelines.model import Job, Kind, Pipeline, Stage, Step
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
Findings: TypeAlias = Iterator[tuple[Node, str]]  # a part of a pipeline, and what is wrong with it


@dataclass(frozen=True)
class Names:
    """What pipelines may name."""

    environments: Collection[str]
    connections: Collection[str]
    command_problem: Callable[[list[str]], str | None]  # of the words behind ``python -m operation``


def pipeline_problems(pipeline: Pipeline, names: Names) -> Iterator[Problem]:
    """Yield every mistake of a pipeline that could be read."""
    for node, message in _Check(pipeline, names).findings():
        yield Problem(node.file, node.line, message)


class _Check:
    def __init__(self, pipeline: Pipeline, names: Names) -> None:
        self._pipeline, self._names, self._system = pipeline, names, pipeline.system
        jobs = [job for stage in pipeline.stages for job in stage.jobs]
        self._published = [step.artifact for job in jobs for step in job.steps if step.kind == Kind.PUBLISH]

    def findings(self) -> Findings:
        stages = self._pipeline.stages
        yield from _graph({stage.name: (stage.node, stage.needs) for stage in stages}, "stage")
        yield from _twice([(stage.name, stage.node) for stage in stages], "stage")
        for stage in stages:
            yield from self._condition(stage.node, stage.condition, "stage", stage, None)
            jobs = stage.originals
            yield from _graph({job.name: (job.node, job.needs) for job in jobs}, "job")
            yield from _twice([(job.name, job.node) for job in jobs], "job")
            for job in jobs:
                yield from self._job(job, stage)

    def _job(self, job: Job, stage: Stage) -> Findings:
        yield from self._condition(job.node, job.condition, "job", stage, job)
        yield from _literal(job.node, "environment", job.environment, self._names.environments)
        for key in filter(None, (stage.name, job.name)):
            if not _IDENTIFIER.fullmatch(key.replace("-", "_") if self._system == GITHUB else key):
                yield job.node, f"'{key}' is no valid name: use letters, digits and '_'."
        yield from _twice([(step.name, step.node) for step in job.steps if step.name], "step")
        for node in job.outputs.values():
            yield from self._embedded(node, node.text(), job)
        for step in job.steps:
            yield from self._step(step, stage, job)

    def _step(self, step: Step, stage: Stage, job: Job) -> Findings:
        yield from self._condition(step.node, step.condition, "step", stage, job)
        for key, value in step.env.items():
            yield from self._embedded(step.node.mapping("env")[key], value, job)
        uses = step.node.word("uses")
        if uses and not _PINNED.fullmatch(uses):
            pinned = f"{uses.partition('@')[0]}@<40 digits>"
            message = f"'{uses}' is not pinned: tags move. Write the whole commit, {pinned}."
            yield step.node.items()["uses"], message
        if step.login:
            inputs = step.node.items()["inputs"]
            yield from _literal(inputs, "azureSubscription", step.login, self._names.connections)
        if step.kind == Kind.COMMAND:
            yield from self._command(step, job)
        if step.kind == Kind.DOWNLOAD and step.artifact not in self._published:
            hint = did_you_mean(step.artifact, self._published)
            yield step.node, f"no step publishes the artifact '{step.artifact}'.{hint}"

    def _command(self, step: Step, job: Job) -> Findings:
        members = step.node.items()
        node = next(members[key] for key in ("run", "bash", "script", "inputs") if key in members)
        yield from self._embedded(node, step.text, job)
        for line in filter(None, map(str.strip, step.text.splitlines())):
            if not line.startswith("#") and (problem := self._line_problem(line)):
                yield node, f"'{line}'{problem}"

    def _line_problem(self, line: str) -> str:
        words = words_of(line)
        if not words:
            return " opens a quote that nothing closes."
        if words[:3] in PYTHON_WORDS:
            problem = self._names.command_problem(words[3:])
            return f": {problem}" if problem else ""
        if SET_UP.fullmatch(line):
            return ""
        why = " is no workbench command, so that nobody can run this step elsewhere. "
        return f"{why}Write python -m operation <command>."

    def _embedded(self, node: Node, text: str, job: Job) -> Findings:
        for expression in embedded(text) if self._system == GITHUB else ():
            yield from self._expression(node, expression, "step", None, job)

    def _condition(self, node: Node, text: str, level: str, stage: Stage, job: Job | None) -> Findings:
        member = node.items().get("condition" if self._system == AZURE else "if", node)
        if self._system == AZURE and text.startswith(("$[", "$(", "${{")):
            yield member, f"'{text}': a condition is an expression without signs around it."
        elif text:
            yield from self._expression(member, text, level, stage, job)

    def _expression(
        self, node: Node, text: str, level: str, stage: Stage | None, job: Job | None
    ) -> Findings:
        try:
            expression = parse(text, self._system)
        except ExpressionError as error:
            yield node, str(error)
            return
        contexts = _CONTEXTS[self._system, level].split()
        for mistake in mistakes(expression, self._system, contexts):
            yield node, f"'{text.strip()}': {mistake}"
        for mistake in reference_mistakes(expression, self._pipeline, level, stage, job):
            yield node, f"'{text.strip()}': {mistake}"


def _graph(graph: dict[str, tuple[Node, tuple[str, ...]]], kind: str) -> Findings:
    """Yield what waits for something that is not there, or for itself."""

    def place(name: str) -> Node:
        members = graph[name][0].items()
        return members.get("dependsOn") or members.get("needs") or graph[name][0]

    for name, (_, needs) in graph.items():
        for need in needs:
            if need not in graph:
                hint = did_you_mean(need, [other for other in graph if other != name])
                yield place(name), f"there is no {kind} '{need}' to depend on.{hint}"
    for name, path in circles(
        {name: [one for one in needs if one in graph] for name, (_, needs) in graph.items()}
    ):
        yield place(name), f"{kind} '{name}' waits for itself: {' -> '.join(path)}. Remove one of them."


def _literal(node: Node, key: str, value: str, known: Collection[str]) -> Findings:
    """Yield the problem of a name that Azure resolves before any variable is known."""
    member = node.items().get(key, node)
    if _OPEN.search(value):
        why = "must be literal: it is resolved before variables are."
        yield member, f"{key} '{value}' {why} Write it out: python3 -m operation pipelines write."
    elif value and value not in known:
        names = listed(sorted(known))
        hint = did_you_mean(value, known)
        yield member, f"{key} '{value}' is not what configuration/ names: {names}.{hint}"


def _twice(named: list[tuple[str, Node]], kind: str) -> Findings:
    lines: dict[str, int] = {}
    for name, node in named:
        if name in lines:
            yield node, f"{kind} '{name}' repeats line {lines[name]}. Rename one of them."
        lines.setdefault(name, node.line)
