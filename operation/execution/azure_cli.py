"""Steps and pipeline of a use case as files for ``az ml``, version 2 of Azure ML.

A step's command line is what its contract makes of the configuration, as everywhere; only the paths
differ: they are the job's inputs and outputs.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration, Step
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.models import ClusterCompute
from operation.engine.configuration.targets import Compute
from operation.engine.foundation.errors import ConfigurationError, Problem, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
SCHEMA = "https://azuremlschemas.azureedge.net/latest"
DATASTORE = "azureml://datastores/workspaceblobstore/paths"
_CONDA_FILE = "configuration/environments/training.yml"
_FILLED_IN = re.compile(r"--[a-z0-9-]+=\$\{\{(inputs|outputs)\.[a-z0-9_]+\}\}")

Job = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """What all files of one export share."""

    configured: Configuration
    layout: Layout
    folder: Path  # where the files will stand: their paths are relative to it
    compute: Compute  # where the jobs are executed
    image: str = IMAGE  # the container's base, on which the packages are installed

    @property
    def conda_file(self) -> Path:
        """The packages of remote compute."""
        return self.layout.root / _CONDA_FILE

    @cached_property
    def environment(self) -> str:
        """The environment's name: the one of its packages' file."""
        document, problems = read_document(self.conda_file, self.layout.relative(self.conda_file))
        if document is None or "name" not in document.data:
            raise ConfigurationError(problems or [Problem(_CONDA_FILE, 1, "'name' is missing.")])
        return str(document.data["name"])

    @cached_property
    def version(self) -> str:
        """The environment's version: the same for the same packages on the same image, on any system."""
        text = self.conda_file.read_text(encoding="utf-8")
        return hashlib.sha256(f"{self.image}\n{text}".encode()).hexdigest()[:12]

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return f"{self.configured.use_case}-{self.configured.environment}"

    def local(self, path: Path) -> str:
        """Return `path` relative to the folder, or absolute where no relative path leads (another drive)."""
        try:
            return Path(os.path.relpath(path.resolve(), self.folder.resolve())).as_posix()
        except ValueError:
            return path.resolve().as_posix()

    def source(self, value: str) -> tuple[str, str] | None:
        """Return the step and the output that an input refers to; None for a path."""
        step, _, output = value.partition(".")
        return (step, output) if step in self.configured.steps and output else None

    def stored(self, step: str, output: str) -> str:
        """Return where in the workspace's datastore a step that is a job of its own leaves an output."""
        return f"{DATASTORE}/{self.experiment}/{step}/{output}/"


def write(export: Export) -> list[Path]:
    """Write all files into the export's folder, and return their paths."""
    try:
        export.folder.mkdir(parents=True, exist_ok=True)
        return [_written(export.folder / name, content) for name, content in files(export).items()]
    except OSError as error:
        raise UsageError(f"cannot write {export.folder}: {error.strerror}. Name another --output.") from error


def _written(path: Path, content: Job) -> Path:
    import yaml

    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def files(export: Export) -> dict[str, Job]:
    """Return all documents by the names of their files: environment, compute, a job a step, the pipeline."""
    steps = export.configured.steps
    jobs = {f"job-{name}.yml": _alone(export, step) for name, step in steps.items()}
    return {
        "environment.yml": _environment(export),
        **_compute(export.compute),
        **jobs,
        "pipeline.yml": _pipeline(export),
    }


def _environment(export: Export) -> Job:
    return {
        "$schema": f"{SCHEMA}/environment.schema.json",
        "name": export.environment,
        "version": export.version,
        "image": export.image,
        "conda_file": export.local(export.conda_file),
    }


def _compute(compute: Compute) -> dict[str, Job]:
    settings = compute.settings
    if not isinstance(settings, ClusterCompute):
        return {}
    return {
        f"compute-{compute.name}.yml": {
            "$schema": f"{SCHEMA}/amlCompute.schema.json",
            "name": compute.name,
            "type": "amlcompute",
            "size": settings.vm_size,
            "min_instances": settings.min_nodes,
            "max_instances": settings.max_nodes,
            "idle_time_before_scale_down": settings.idle_seconds_before_scaledown,
            "tier": {"lowpriority": "low_priority"}.get(settings.priority, settings.priority),
        }
    }


def _alone(export: Export, step: Step) -> Job:
    """Return a step as a job of its own: it reads in the datastore what the jobs before it wrote there."""
    outputs = {name: _folder(export.stored(step.name, name)) for name in read_contract(step.script).outputs}
    return {
        "$schema": f"{SCHEMA}/commandJob.schema.json",
        "experiment_name": export.experiment,
        "display_name": step.name,
        "compute": f"azureml:{export.compute.name}",
        **_command(export, step, lambda *source: _folder(export.stored(*source)), outputs),
    }


def _pipeline(export: Export) -> Job:
    return {
        "$schema": f"{SCHEMA}/pipelineJob.schema.json",
        "type": "pipeline",
        "experiment_name": export.experiment,
        "display_name": export.experiment,
        "description": export.configured.description,
        "settings": {"default_compute": f"azureml:{export.compute.name}", "continue_on_step_failure": False},
        "jobs": {name: _node(export, step) for name, step in export.configured.steps.items()},
    }


def _node(export: Export, step: Step) -> Job:
    """Return a step inside the pipeline: it reads what the jobs before it give."""
    outputs = {name: {"type": "uri_folder"} for name in read_contract(step.script).outputs}
    return _command(export, step, _given, outputs)


def _command(export: Export, step: Step, given: Callable[[str, str], Job], outputs: Mapping[str, Job]) -> Job:
    """Return the command of a step; `given` says what another step's output is as an input."""
    places = {name: f"${{{{inputs.{_key(name)}}}}}" for name in step.inputs}
    places |= {name: f"${{{{outputs.{_key(name)}}}}}" for name in outputs}
    argv = read_contract(step.script).argv({**step.arguments, **places})
    sources = {name: (value, export.source(value)) for name, value in step.inputs.items()}
    return {
        "type": "command",
        "code": export.local(step.script.parent),
        "command": " ".join(map(_quoted, ["python", step.script.name, *argv])),
        "environment": f"azureml:{export.environment}:{export.version}",
        "inputs": {
            _key(name): given(*source) if source else _file(export, value)
            for name, (value, source) in sources.items()
        },
        "outputs": {_key(name): output for name, output in outputs.items()},
    }


def _quoted(word: str) -> str:
    """Return `word` as the shell of a Linux machine reads it; what Azure ML fills in stays bare."""
    return word if _FILLED_IN.fullmatch(word) else shlex.quote(word)


def _file(export: Export, value: str) -> Job:
    path = Path(value) if Path(value).is_absolute() else export.layout.root / value
    return {"type": "uri_folder" if path.is_dir() else "uri_file", "path": export.local(path)}


def _folder(place: str) -> Job:
    return {"type": "uri_folder", "path": place}


def _given(step: str, output: str) -> Job:
    return {"type": "uri_folder", "path": f"${{{{parent.jobs.{step}.outputs.{_key(output)}}}}}"}


def _key(name: str) -> str:
    """Return an argument's name as a job's inputs and outputs are named: no dashes."""
    return name.replace("-", "_")
