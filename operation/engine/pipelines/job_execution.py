"""One job on this machine: its variables, its steps in order, artifacts as folders."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.pipelines.checks import SET_UP
from operation.engine.pipelines.conditions import effective
from operation.engine.pipelines.evaluation import evaluate, interpolate
from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.model import PUBLISHED, Job, Kind, Step
from operation.engine.pipelines.plan import command_words
from operation.engine.pipelines.results import WORDS, JobResult, PipelineRun, Result, statuses, together
from operation.engine.pipelines.shell import FILES, Command
from operation.engine.pipelines.signals import Told
from operation.engine.pipelines.tree import Node
from operation.engine.pipelines.values import text_of, truth

_MACRO = re.compile(r"\$\(([A-Za-z_][\w.]*)\)")
_OF_SYSTEMS = ("TF_BUILD", "GITHUB_ACTIONS", *FILES)  # where `ci` is itself a step of a pipeline


class JobExecution:
    """Executes the steps of one job."""

    def __init__(self, run: PipelineRun, job: Job, contexts: Mapping[str, Any]) -> None:
        self._run, self._job, self._contexts = run, job, contexts
        self._azure = run.pipeline.system == AZURE
        self._variables: dict[str, str] = dict(contexts["variables"])
        for name, node in {**run.pipeline.variables, **job.variables}.items():
            self._variables[name] = self._given(node)
        self._variables |= job.matrix
        self._outputs: dict[str, str] = {}  # by ``step.name``
        self._results: list[Result] = []
        self._named: dict[str, Any] = {}  # GitHub's context ``steps``

    def run(self) -> JobResult:
        """Execute the steps whose conditions hold; return how the job ended."""
        shutil.rmtree(self._run.layout.root / PUBLISHED, ignore_errors=True)  # a fresh machine has none
        started = manifest.now()
        for step in self._job.steps:
            self._results.append(self._step(step, started))
        result = together(result for result in [Result.SUCCEEDED, *self._results] if result != Result.SKIPPED)
        if result == Result.FAILED and self._job.may_fail:
            result = Result.ISSUES
        return JobResult(result, self._told())

    def _given(self, node: Node) -> str:
        """Return the value of a variable, which may be an expression about those before it."""
        text = node.text().strip()
        if self._azure and text.startswith("$["):
            contexts = {**self._contexts, "variables": self._variables}
            return text_of(evaluate(text[2:-1], AZURE, contexts), AZURE)
        if self._azure:
            return node.text()
        return text_of(interpolate(text, GITHUB, {**self._contexts, "env": self._variables}), GITHUB)

    def _told(self) -> dict[str, str]:
        """Return the outputs as the system names them: those of Azure's deployments carry the job's name."""
        if self._azure:
            before = f"{self._job.name}." if self._job.is_deployment else ""
            return {f"{before}{name}": value for name, value in self._outputs.items()}
        return {name: self._filled(node.text()) for name, node in self._job.outputs.items()}

    def _step_contexts(self) -> dict[str, Any]:
        if self._azure:
            return {"variables": {**self._variables, **self._outputs}, "pipeline": {}}
        own = {"env": self._variables, "steps": self._named, "matrix": self._job.matrix, "job": {}}
        return {**self._contexts, **own}

    def _step(self, step: Step, started: str) -> Result:
        dialect = self._run.pipeline.system
        executed = {str(number): one for number, one in enumerate(self._results) if one != Result.SKIPPED}
        condition = effective(step.condition, dialect)
        if not truth(evaluate(condition, dialect, self._step_contexts(), statuses(executed))):
            return Result.SKIPPED
        if step.kind == Kind.COMMAND:
            return self._command(step, started)
        if step.kind in {Kind.PUBLISH, Kind.DOWNLOAD}:
            return self._artifact(step)
        return Result.SUCCEEDED  # the checkout is this one, and so is Python; results are in the artifact

    def _command(self, step: Step, started: str) -> Result:
        run, text = self._run, self._filled(step.text)
        if SET_UP.fullmatch(text):
            run.say(f"   - {text}: left to this machine")
            return Result.SUCCEEDED
        run.say(f"   - {command_words(text)}")
        run.steps += 1
        told, began = Told(), time.monotonic()
        options, env = [] if self._azure else ["-eo", "pipefail"], self._environ(step, started)
        command = Command(text, options, run.layout.root, env, step.seconds)
        try:
            code = command.run(run.folder / "steps" / str(run.steps), told, run.say)
        except KeyboardInterrupt:
            self._blame(step, f"`{command_words(text)}` was interrupted.")
            raise
        result = told.result(code)
        run.say(f"     {result} after {time.monotonic() - began:.1f} s")
        if result == Result.FAILED:
            self._blame(step, f"`{command_words(text)}` ended with exit code {code}.")
        self._take(step, told, result)
        return Result.ISSUES if result == Result.FAILED and step.may_fail else result

    def _blame(self, step: Step, what: str) -> None:
        self._run.failures.append(f"{step.node.file}:{step.node.line}: {what}")

    def _take(self, step: Step, told: Told, result: Result) -> None:
        """Keep what a step told for those after it."""
        self._variables |= told.variables
        self._run.summaries += told.summaries
        if step.name:
            self._outputs |= {f"{step.name}.{name}": value for name, value in told.outputs.items()}
            outcome = WORDS[GITHUB][result]
            conclusion = WORDS[GITHUB][Result.SUCCEEDED] if step.may_fail else outcome
            self._named[step.name] = {"outputs": told.outputs, "outcome": outcome, "conclusion": conclusion}

    def _filled(self, text: str) -> str:
        if not self._azure:
            return text_of(interpolate(text, GITHUB, self._step_contexts()), GITHUB)
        known = {name.casefold(): value for name, value in self._step_contexts()["variables"].items()}
        return _MACRO.sub(lambda match: known.get(match[1].casefold(), match[0]), text)

    def _environ(self, step: Step, started: str) -> dict[str, str]:
        """Return the variables of a step's process: those of this machine, of the system, of the file."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        variables = {name.upper().replace(".", "_"): value for name, value in self._variables.items()}
        system = {"TF_BUILD": "True"} if self._azure else {"GITHUB_ACTIONS": "true"}
        system["SYSTEM_STAGENAME" if self._azure else "GITHUB_JOB"] = self._job.name
        own = {name: self._filled(value) for name, value in step.env.items()}
        known = {name: value for name, value in own.items() if value}  # others only the real system knows
        common = {"PATH": path, "CI": "true", "WORKBENCH_JOB_STARTED": started}
        outer = {name: value for name, value in os.environ.items() if name not in _OF_SYSTEMS}
        return {**outer, **common, **variables, **system, **known}

    def _artifact(self, step: Step) -> Result:
        layout, name = self._run.layout, self._filled(step.artifact)
        kept, place = self._run.folder / "artifacts" / name, self._filled(step.text)
        if step.kind == Kind.DOWNLOAD and self._azure and place in {"", "current"}:
            return Result.SUCCEEDED  # the folder Pipeline.Workspace holds it already
        target = layout.root / (place or name)
        source, target = (target, kept) if step.kind == Kind.PUBLISH else (kept, target)
        if not source.exists():
            self._run.say(f"   - {step.kind} {name}: there is no {layout.relative(source)}")
            self._blame(step, f"there is no {layout.relative(source)} to {step.kind}.")
            return Result.FAILED
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
        self._run.say(f"   - {step.kind} {name}: {layout.relative(target)}")
        return Result.SUCCEEDED
