"""The reader of Azure Pipelines: what a local run covers, and everything else refused with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.azure_steps import minutes_of, read_step
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import Job, Pipeline, Stage
from operation.engine.pipelines.templates import Expander, bind
from operation.engine.pipelines.tree import Findings, Node, Plain, read_tree

_ROOT = (  # noqa: SIM905 - a word a line is no easier to read
    "name trigger pr schedules parameters variables stages jobs steps pool lockBehavior "
    "appendCommitMessageToRunName"
).split()
_STAGE = (  # noqa: SIM905 - a word a line is no easier to read
    "stage displayName dependsOn condition variables jobs pool lockBehavior isSkippable trigger"
).split()
_JOB = (  # noqa: SIM905 - a word a line is no easier to read
    "job deployment displayName dependsOn condition strategy variables steps pool environment "
    "timeoutInMinutes cancelTimeoutInMinutes continueOnError workspace"
).split()
_ALL = "'matrix' and 'runOnce'"


def read_azure(
    layout: Layout, path: Path, parameters: Mapping[str, Plain], findings: Findings
) -> Pipeline | None:
    """Read and compile one pipeline; None when nothing of it can be told. `findings` takes its mistakes."""
    with findings.collecting():
        root = read_tree(layout, path)
        with findings.collecting():
            root.require_keys(_ROOT, "of a pipeline", ["resources", "extends", "container", "services"])
        return _Reader(layout, root, findings).pipeline(path.stem, parameters)
    return None


class _Reader:
    def __init__(self, layout: Layout, root: Node, findings: Findings) -> None:
        self._root, self._findings = root, findings
        self._expander = Expander(layout)

    def pipeline(self, name: str, parameters: Mapping[str, Plain]) -> Pipeline:
        root, declared = self._root, self._root.get("parameters")
        values = bind(declared, {key: root.at(value) for key, value in parameters.items()}, None)
        variables = self._variables(self._part("variables", values))
        self._expander.variables.update(_literals(variables))
        stages = self._stages(values)
        triggers = tuple(_triggers(root))
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
                stages.append(self._stage(node, stages[-1:]))
        return stages

    def _stage(self, node: Node, before: list[Stage]) -> Stage:
        node.require_keys(_STAGE, "of a stage")
        name = node.word("stage")
        jobs = node.get("jobs")
        if jobs is None:
            raise node.refuse(f"stage '{name}' has no jobs. Add 'jobs:'.")
        needs = _needs(node, [stage.name for stage in before])
        read = self._findings.each(list(self._expander.flatten(jobs, "jobs")), self._job)
        title, condition = node.word("displayName", name), node.word("condition")
        spread = tuple(job for copies in read for job in copies)
        return Stage(name, node, title, needs, spread, condition, self._variables(node.get("variables")))

    def _job(self, node: Node) -> list[Job]:
        node.require_keys(_JOB, "of a job", ["container", "services", "uses"])
        name = node.word("job") or node.word("deployment")
        if limit := node.get("timeoutInMinutes"):
            minutes_of(limit)
        entries = _matrix(node)
        steps = self._findings.each(list(self._expander.flatten(self._steps(node), "steps")), read_step)
        variables = self._variables(node.get("variables"))

        def job(matrix: Mapping[str, str]) -> Job:
            pool = node.get("pool") or self._root.get("pool")
            image = pool.word("vmImage") if pool and isinstance(pool.value, dict) else ""
            for key, value in matrix.items():
                image = image.replace(f"$({key})", value)
            title = node.word("displayName", name)
            return Job(
                name,
                node,
                f"{title} ({', '.join(matrix.values())})" if matrix else title,
                _needs(node, []),
                tuple(steps),
                node.word("condition"),
                _environment(node),
                image,
                variables,
                matrix=matrix,
                may_fail=node.word("continueOnError") == "true",
            )

        return [job(entry) for entry in entries]

    def _steps(self, node: Node) -> Node:
        strategy = node.get("strategy")
        if "deployment" in node.items():
            if strategy is None or strategy.get("runOnce") is None:
                raise (strategy or node).refuse(
                    "a deployment needs 'strategy: runOnce: deploy: steps:' here."
                )
            once = strategy.items()["runOnce"]
            once.require_keys(
                ["deploy"], "of runOnce", ["preDeploy", "routeTraffic", "postRouteTraffic", "on"]
            )
            deploy = once.get("deploy")
            steps = deploy.get("steps") if deploy else None
        else:
            steps = node.get("steps")
        if steps is None:
            raise node.refuse(f"job '{node.word('job') or node.word('deployment')}' has no steps.")
        return steps

    def _variables(self, node: Node | None) -> dict[str, Node]:
        if node is None:
            return {}
        if isinstance(node.value, dict):
            return dict(node.value)
        found: dict[str, Node] = {}
        for member in self._expander.flatten(node, "variables"):
            if "name" in member.items():
                member.require_keys(["name", "value", "readonly"], "of a variable")
                found[member.word("name")] = member.items().get("value") or member.at("")
            elif "group" not in member.items():  # a group is a secret store: its values come from outside
                found |= member.items()
        return found


def _literals(variables: Mapping[str, Node]) -> dict[str, str]:
    """Return the variables that are known when the pipeline is compiled."""
    return {name: node.text() for name, node in variables.items() if not node.text().startswith("$[")}


def _needs(node: Node, default: list[str]) -> tuple[str, ...]:
    if "dependsOn" not in node.items():
        return tuple(default)
    needs = node.get("dependsOn")
    return tuple(member.text() for member in needs.members() if member.text()) if needs else ()


def _environment(node: Node) -> str:
    environment = node.get("environment")
    if environment is None:
        return ""
    if isinstance(environment.value, dict):
        environment.require_keys(
            ["name"], "of an environment", ["resourceName", "resourceType", "resourceId", "tags"]
        )
        return environment.word("name")
    return environment.text()


def _matrix(node: Node) -> list[dict[str, str]]:
    strategy = node.get("strategy")
    if strategy is None:
        return [{}]
    strategy.require_keys(
        ["matrix", "maxParallel", "runOnce"], f"of a strategy: {_ALL} are", ["rolling", "canary", "parallel"]
    )
    matrix = strategy.get("matrix")
    if matrix is None:
        return [{}]
    return [{key: value.text() for key, value in entry.items().items()} for entry in matrix.items().values()]


def _triggers(root: Node) -> Iterator[str]:
    for key, words in (("pr", "pull request to"), ("trigger", "push to")):
        node = root.get(key)
        if node is None or node.plain() == "none":
            continue
        branches = node.get("branches") if isinstance(node.value, dict) else node
        included = branches.get("include") if branches and isinstance(branches.value, dict) else branches
        names = [member.text() for member in included.members()] if included else ["*"]
        yield f"{words} {'any branch' if names == ['*'] else ', '.join(names)}"
    for schedule in (root.get("schedules") or root.at([])).members():
        yield f"schedule {schedule.word('cron')}"
