"""One job on this machine: its variables, its steps in order, artifacts as folders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.children import child, end
from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.checks import SET_UP
from operation.engine.pipelines.conditions import effective
from operation.engine.pipelines.evaluation import evaluate, interpolate
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import COMMAND, DOWNLOAD, PUBLISH, Job, Pipeline, Step
from operation.engine.pipelines.plan import command_words
from operation.engine.pipelines.results import (
    FAILED,
    ISSUES,
    SKIPPED,
    SUCCEEDED,
    JobResult,
    github_word,
    statuses,
)
from operation.engine.pipelines.signals import Told, hear, hear_files
from operation.engine.pipelines.values import text_of, truth

_MACRO = re.compile(r"\$\(([A-Za-z_][\w.]*)\)")
PUBLISHED = Path("runs", "published")  # a fresh machine would not have it


@dataclass
class RunningPipeline:
    """What the jobs of one run share."""

    layout: Layout
    folder: Path  # runs/ci/<id>
    pipeline: Pipeline
    say: Callable[[str], None]
    summaries: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    steps: int = 0


@dataclass
class _State:
    """What a job knows so far."""

    variables: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)  # by the step's number
    named: dict[str, Any] = field(default_factory=dict)  # GitHub's context ``steps``


class JobExecution:
    """Executes the steps of one job."""

    def __init__(self, running: RunningPipeline, job: Job, contexts: Mapping[str, Any]) -> None:
        self._running, self._job, self._contexts = running, job, contexts
        self._azure = running.pipeline.system == AZURE
        self._state = _State(self._variables())

    def run(self) -> JobResult:
        """Execute the steps whose conditions hold; return how the job ended."""
        shutil.rmtree(self._running.layout.root / PUBLISHED, ignore_errors=True)
        started = manifest.now()
        for number, step in enumerate(self._job.steps):
            self._state.results[str(number)] = self._step(step, started)
        ended = set(self._state.results.values())
        result = FAILED if FAILED in ended else ISSUES if ISSUES in ended else SUCCEEDED
        if result == FAILED and self._job.may_fail:
            result = ISSUES
        return JobResult(result, self._outputs())

    def _variables(self) -> dict[str, str]:
        """Return the job's variables; those of the run itself are named as the systems name them."""
        pipeline, variables = self._running.pipeline, dict(self._contexts["variables"])
        for name, node in {**pipeline.variables, **self._job.variables}.items():
            text = node.text()
            if self._azure and text.startswith("$["):
                text = text_of(
                    evaluate(text[2:].rstrip("]"), AZURE, {**self._contexts, "variables": variables}), AZURE
                )
            elif not self._azure:
                text = text_of(
                    interpolate(text, pipeline.system, {**self._contexts, "env": variables}), pipeline.system
                )
            variables[name] = text
        return {**variables, **self._job.matrix}

    def _outputs(self) -> dict[str, str]:
        if self._azure:
            return self._state.outputs
        contexts = self._step_contexts()
        found = {
            name: interpolate(node.text(), "github", contexts) for name, node in self._job.outputs.items()
        }
        return {name: text_of(value, "github") for name, value in found.items()}

    def _step_contexts(self) -> dict[str, Any]:
        if self._azure:
            return {"variables": {**self._state.variables, **self._state.outputs}, "pipeline": {}}
        state = self._state
        return {
            **self._contexts,
            "env": state.variables,
            "steps": state.named,
            "matrix": self._job.matrix,
            "job": {},
        }

    def _step(self, step: Step, started: str) -> str:
        dialect = self._running.pipeline.system
        condition = effective(step.condition, dialect)
        status = statuses(self._state.results)
        status["succeeded"] = status["success"] = lambda _: FAILED not in self._state.results.values()
        if not truth(evaluate(condition, dialect, self._step_contexts(), status)):
            return SKIPPED
        if step.kind == COMMAND:
            return self._command(step, started)
        if step.kind in {PUBLISH, DOWNLOAD}:
            return self._artifact(step)
        return SUCCEEDED  # the checkout is this one, and so is Python; results are in the artifact

    def _command(self, step: Step, started: str) -> str:
        text = self._filled(step.text)
        if SET_UP.fullmatch(text):
            self._running.say(f"   - {text}: left to this machine")
            return SUCCEEDED
        self._running.steps += 1
        self._running.say(f"   - {command_words(text)}")
        told, began = Told(), time.monotonic()
        where = f"{step.node.file}:{step.node.line}: `{command_words(text)}`"
        try:
            code = self._shell(text, step, started, told)
        except KeyboardInterrupt:
            self._running.failures.append(f"{where} was interrupted.")
            raise
        self._take(step, told)
        result = SUCCEEDED if code == 0 else FAILED
        if told.result:
            result = (
                FAILED if told.result == "Failed" else ISSUES if told.result.endswith("Issues") else result
            )
        if result == SUCCEEDED and told.warnings:
            result = ISSUES
        self._running.say(f"     {result} after {time.monotonic() - began:.1f} s")
        if step.name:
            outcome = github_word(result)
            conclusion = "success" if step.may_fail else outcome
            self._state.named[step.name] = {
                "outputs": told.outputs,
                "outcome": outcome,
                "conclusion": conclusion,
            }
        if result == FAILED:
            self._running.failures.append(f"{where} ended with exit code {code}.")
        return ISSUES if result == FAILED and step.may_fail else result

    def _take(self, step: Step, told: Told) -> None:
        self._state.variables |= told.variables
        self._running.summaries += told.summaries
        if step.name:
            self._state.outputs |= {f"{step.name}.{name}": value for name, value in told.outputs.items()}

    def _filled(self, text: str) -> str:
        if not self._azure:
            return text_of(interpolate(text, "github", self._step_contexts()), "github")
        known = {name.casefold(): value for name, value in self._step_contexts()["variables"].items()}
        return _MACRO.sub(lambda match: known.get(match[1].casefold(), match[0]), text)

    def _shell(self, text: str, step: Step, started: str, told: Told) -> int:
        """Run a command, show its lines, and take in what it tells; return its exit code."""
        scratch = self._running.folder / "steps" / str(self._running.steps)
        scratch.mkdir(parents=True)
        script = scratch / "step.sh"
        script.write_text(text + "\n", encoding="utf-8")
        files = [scratch / name for name in ("outputs", "variables", "summary.md")]
        options = ["--noprofile", "--norc", *([] if self._azure else ["-eo", "pipefail"])]
        env = self._environ(step, started, files)
        with (
            (scratch / "log.txt").open("w", encoding="utf-8") as log,
            child(
                ["bash", *options, str(script)],
                cwd=self._running.layout.root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            timer = threading.Timer(step.seconds, end, [process]) if step.seconds else None
            if timer:
                timer.start()
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            for line in process.stdout:
                shown = hear(line.rstrip("\n"), told)
                if shown is not None:
                    log.write(f"{shown}\n")
                    self._running.say(f"     {shown}")
            code = process.wait()
            if timer:
                timer.cancel()
        hear_files(files, told)
        return code

    def _environ(self, step: Step, started: str, files: list[Path]) -> dict[str, str]:
        """Return the variables of a step's process: those of this machine, of the system, of the file."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        variables = {name.upper().replace(".", "_"): value for name, value in self._state.variables.items()}
        own = {name: self._filled(value) for name, value in step.env.items()}
        system = {"TF_BUILD": "True"} if self._azure else {"GITHUB_ACTIONS": "true"}
        system["SYSTEM_STAGENAME" if self._azure else "GITHUB_JOB"] = self._job.name
        if not self._azure:
            names = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
            system |= {name: str(file) for name, file in zip(names, files, strict=True)}
        return {
            **os.environ,
            "PATH": path,
            "CI": "true",
            "WORKBENCH_JOB_STARTED": started,
            **variables,
            **system,
            **{
                name: value for name, value in own.items() if value
            },  # what only the real system knows is empty
        }

    def _artifact(self, step: Step) -> str:
        layout, name = self._running.layout, self._filled(step.artifact)
        kept = self._running.folder / "artifacts" / name
        if step.kind == PUBLISH:
            source = layout.root / self._filled(step.text)
            if not source.exists():
                self._running.say(f"   - publish {name}: there is no {step.text}")
                self._running.failures.append(
                    f"{step.node.file}:{step.node.line}: there is no {step.text} to publish."
                )
                return FAILED
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            kept.parent.mkdir(parents=True, exist_ok=True)
            copy(source, kept)
            self._running.say(f"   - publish {name}: {layout.relative(kept)}")
            return SUCCEEDED
        if self._azure and step.text in {"", "current"}:  # the folder Pipeline.Workspace holds it already
            return SUCCEEDED
        target = layout.root / (self._filled(step.text) or name)
        shutil.copytree(kept, target, dirs_exist_ok=True)
        self._running.say(f"   - download {name}: {layout.relative(target)}")
        return SUCCEEDED
