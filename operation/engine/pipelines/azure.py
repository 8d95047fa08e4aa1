"""The reader of Azure Pipelines: what a local run covers, and everything else refused with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.azure_steps import read_step
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import Job, Pipeline, Stage
from operation.engine.pipelines.parts import copies, environment_of
from operation.engine.pipelines.templates import Expander, bind
from operation.engine.pipelines.tree import Findings, Node, Plain, read_tree

_ROOT = """name trigger pr schedules parameters variables stages jobs steps pool lockBehavior
    appendCommitMessageToRunName"""
_STAGE = "stage displayName dependsOn condition variables jobs pool lockBehavior isSkippable trigger"
_JOB = """job deployment displayName dependsOn condition strategy variables steps pool environment
    timeoutInMinutes cancelTimeoutInMinutes continueOnError workspace"""


def read_azure(
    layout: Layout, path: Path, parameters: Mapping[str, Plain], findings: Findings
) -> Pipeline | None:
    """Read and compile one pipeline; None when nothing of it can be told. `findings` takes its mistakes."""
    with findings.collecting():
        root = read_tree(layout, path)
        with findings.collecting():
            root.require_keys(_ROOT, "of a pipeline", "resources extends container services")
        return _Reader(layout, root, findings).pipeline(path.stem, parameters)
    return None


class _Reader:
    def __init__(self, layout: Layout, root: Node, findings: Findings) -> None:
        self._root, self._findings = root, findings
        self._expander = Expander(layout)

    def pipeline(self, name: str, parameters: Mapping[str, Plain]) -> Pipeline:
        root, given = self._root, {key: self._root.at(value) for key, value in parameters.items()}
        values = bind(root.get("parameters"), given, None)
        variables = self._variables(self._part("variables", values))
        self._expander.variables.update(_literals(variables))
        stages, triggers = self._stages(values), tuple(_triggers(root))
        return Pipeline(AZURE, name, root.file, tuple(stages), triggers, variables, values)

    def _part(self, key: str, values: Mapping[str, Plain]) -> Node | None:
        node = self._root.get(key)
        return None if node is None else self._expander.expand(node, values)

    def _stages(self, values: Mapping[str, Plain]) -> list[Stage]:
        """Return the stages; jobs or steps without one are those of a single stage."""
        for key in ("stages", "jobs", "steps"):
            part = self._part(key, values)
            if part is None:
                continue
            if key == "stages":
                return self._in_order(list(self._expander.flatten(part, key)))
            jobs = part if key == "jobs" else part.at([part.at({"job": "Job", "steps": part})])
            return self._in_order([part.at({"stage": "", "jobs": jobs})])
        raise self._root.refuse("has no 'stages', 'jobs' or 'steps': nothing would run.")

    def _in_order(self, nodes: list[Node]) -> list[Stage]:
        stages: list[Stage] = []
        for node in nodes:
            with self._findings.collecting():
                stages.append(self._stage(node, [stage.name for stage in stages[-1:]]))
        return stages

    def _stage(self, node: Node, before: list[str]) -> Stage:
        node.require_keys(_STAGE, "of a stage")
        name, jobs = node.word("stage"), node.get("jobs")
        if jobs is None:
            raise node.refuse(f"stage '{name}' has no jobs. Add 'jobs:'.")
        needs = node.words("dependsOn") if "dependsOn" in node.items() else tuple(before)
        read = self._findings.each(list(self._expander.flatten(jobs, "jobs")), self._job)
        title, condition = node.word("displayName", name), node.word("condition")
        spread = tuple(job for copies in read for job in copies)
        variables = self._variables(node.get("variables"))
        return Stage(name, node, title, tuple(filter(None, needs)), spread, condition, variables)

    def _job(self, node: Node) -> list[Job]:
        node.require_keys(_JOB, "of a job", "container services uses")
        node.minutes("timeoutInMinutes")
        name, matrix = node.word("job") or node.word("deployment"), _matrix(node)
        pool = node.get("pool") or self._root.get("pool")
        job = Job(
            name,
            node,
            node.word("displayName", name),
            tuple(filter(None, node.words("dependsOn"))),
            tuple(self._findings.each(list(self._expander.flatten(_steps(node, name), "steps")), read_step)),
            node.word("condition"),
            environment_of(node),
            pool.word("vmImage") if pool and isinstance(pool.value, dict) else "",
            self._variables(node.get("variables")),
            may_fail=node.word("continueOnError") == "true",
        )
        return copies(job, matrix, AZURE)

    def _variables(self, node: Node | None) -> dict[str, Node]:
        if node is None or isinstance(node.value, dict):
            return dict(node.value) if node else {}
        found: dict[str, Node] = {}
        for member in self._expander.flatten(node, "variables"):
            if "name" in member.items():
                member.require_keys("name value readonly", "of a variable")
                found[member.word("name")] = member.items().get("value") or member.at("")
            elif "group" not in member.items():  # a group is a secret store: its values come from outside
                found |= member.items()
        return found


def _literals(variables: Mapping[str, Node]) -> dict[str, str]:
    """Return the variables that are known when the pipeline is compiled."""
    return {name: node.text() for name, node in variables.items() if not node.text().startswith("$[")}


def _steps(node: Node, name: str) -> Node:
    if "deployment" not in node.items():
        steps = node.get("steps")
    else:
        strategy = node.get("strategy")
        once = strategy.get("runOnce") if strategy else None
        if once is None:
            raise (strategy or node).refuse("a deployment needs 'strategy: runOnce: deploy: steps:' here.")
        once.require_keys("deploy", "of runOnce", "preDeploy routeTraffic postRouteTraffic on")
        steps = once.mapping("deploy").get("steps")
    if steps is None:
        raise node.refuse(f"job '{name}' has no steps.")
    return steps


def _matrix(node: Node) -> list[dict[str, str]]:
    strategy = node.get("strategy")
    if strategy is None:
        return []
    owner = "of a strategy: 'matrix' and 'runOnce' are"
    strategy.require_keys("matrix maxParallel runOnce", owner, "rolling canary parallel")
    return [
        {key: value.text() for key, value in entry.items().items()}
        for entry in strategy.mapping("matrix").values()
    ]


def _triggers(root: Node) -> Iterator[str]:
    for key, words in (("pr", "pull request to"), ("trigger", "push to")):
        node = root.get(key)
        if node is None or node.plain() == "none":
            continue
        branches = node.get("branches") if isinstance(node.value, dict) else node
        nested = branches is not None and isinstance(branches.value, dict)
        included = branches.get("include") if branches and nested else branches
        names = [one.text() for one in included.members()] if included else ["*"]
        yield f"{words} {'any branch' if names == ['*'] else ', '.join(names)}"
    for schedule in (root.get("schedules") or root.at([])).members():
        yield f"schedule {schedule.cron('cron')}"
