"""One job: what it executes, what its process is given, and what of its files is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.rehearsal.access import auth
from operation.rehearsal.clock import now
from operation.rehearsal.history import artifacts, blobs, runs
from operation.rehearsal.history.naming import storage_account

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import State

HERE = Path(__file__).parent
LOG = "azureml-logs/70_driver_log.txt"
BUILD_LOG = "azureml-logs/20_image_build_log.txt"
_CREDENTIALS = "AZUREML_SERVICE_PRINCIPAL_"  # a run has its own token, and no other credential


@dataclass(frozen=True)
class JobDefinition:
    """What a job executes.

    Parameters
    ----------
    snapshot : Path, optional
        The folder that the job gets a copy of and starts in; None when it starts in `folder`.
    script : str
        The Python file to run, relative to the snapshot.
    arguments : list[str]
        Its words; inputs and outputs are paths already.
    environment_variables : Mapping[str, str]
        What the job's own specification adds.
    python : Path, optional
        The interpreter; None for one that has what `specification` asks for.
    time_limit : float, optional
        Seconds after which the job is stopped; None for no limit.
    specification : Mapping[str, Any], optional
        The run configuration's ``environment``; None for the packages of this interpreter.
    command : list[str], optional
        What is run instead of a script.
    outputs : list[dict[str, Any]]
        What is to be registered when the job completes.
    """

    snapshot: Path | None
    script: str
    arguments: list[str]
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None
    time_limit: float | None = None
    specification: Mapping[str, Any] | None = None
    command: list[str] | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """The job of one run.

    Parameters
    ----------
    service : Service
        The service that runs it.
    state : State
        The workspace's state.
    run_id : str
        The run.
    """

    service: Service
    state: State
    run_id: str

    @property
    def folder(self) -> Path:
        """Where all that the job needs is kept."""
        return self.service.folder / "jobs" / self.run_id

    def artifact(self, path: str) -> Path:
        """Return where an artifact of the run is."""
        account = storage_account(self.state.name)
        place = f"ExperimentRun/dcid.{self.run_id}/{path}"
        return blobs.file(self.service, account, artifacts.CONTAINER, place)

    def announce(self, definition: JobDefinition) -> None:
        """Write what another service on this folder must know to watch the job."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"workspace": self.state.name, "seconds": definition.time_limit, "outputs": definition.outputs}
        (self.folder / "kept.json").write_text(json.dumps(kept), encoding="utf-8")

    def announced(self) -> dict[str, Any]:
        """Return what `announce` wrote."""
        return dict(json.loads((self.folder / "kept.json").read_text(encoding="utf-8")))

    def write(self, definition: JobDefinition, python: Path) -> None:
        """Write what the supervisor waits for."""
        place = self.folder / "work"
        if definition.snapshot:
            shutil.copytree(definition.snapshot, place, dirs_exist_ok=True)
        wrapper = [str(python), str(HERE / "execution_script.py"), str(self.folder / "report.json")]
        job = {
            "words": definition.command or [*wrapper, definition.script, *definition.arguments],
            "folder": str(place),  # where the SDK runs it itself, it has a folder of its own
            "environment": self._environment(definition, python),
            "log": str(self.artifact(LOG)),
            "seconds": definition.time_limit,
        }
        partial = self.folder / "job.partial"
        partial.write_text(json.dumps(job, indent=1), encoding="utf-8")
        partial.replace(self.folder / "job.json")

    def supervise(self) -> None:
        """Start the supervisor, which outlives this process."""
        words = [sys.executable, "-S", "-E", str(HERE / "execution_supervisor.py"), str(self.folder)]
        group: dict[str, Any] = {"creationflags": 0x208} if os.name == "nt" else {"start_new_session": True}
        null = subprocess.DEVNULL
        process = subprocess.Popen(words, stdin=null, stdout=null, stderr=null, **group)
        threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie

    def keep_outputs(self, place: Path) -> None:
        """Make artifacts of what stands in outputs and logs under `place` and is not one yet."""
        files = [file for kind in ("outputs", "logs") for file in (place / kind).rglob("*") if file.is_file()]
        for file in files:
            target = self.artifact(file.relative_to(place).as_posix())
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)

    def _environment(self, definition: JobDefinition, python: Path) -> dict[str, str]:
        here = {**os.environ, **self.service.environment}
        kept = {name: value for name, value in here.items() if not name.startswith(_CREDENTIALS)}
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            kept.pop(name, None)
        kept["PATH"] = os.pathsep.join([str(python.parent), kept.get("PATH", "")])
        kept |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        return {**kept, **self._identity(), **definition.environment_variables}

    def _identity(self) -> dict[str, str]:
        """Return the variables by which a script knows its run."""
        place = self.state.get("workspace", "workspace") or {}
        parts = str(place.get("id", "")).split("/")
        parts += [""] * (9 - len(parts))
        identity, seconds = place.get("properties", {}).get("workspaceId", ""), self.service.token_seconds
        run = runs.known_run(self.state, self.run_id)
        token = auth.token(self.service.secret, "run", seconds, self.service.url)
        host = self.service.url.removeprefix("https://")
        return {
            "MLFLOW_TRACKING_URI": f"azureml://{host}/mlflow/v2.0{place.get('id', '')}",
            "MLFLOW_TRACKING_TOKEN": token,
            "MLFLOW_EXPERIMENT_ID": str(run["experimentId"]),
            "MLFLOW_RUN_ID": self.run_id,
            "AZUREML_RUN_ID": self.run_id,
            "AZUREML_RUN_TOKEN": token,
            "AZUREML_RUN_TOKEN_EXPIRY": now(seconds),  # a number would be read in the zone of the machine
            "AZUREML_ARM_SUBSCRIPTION": parts[2],
            "AZUREML_ARM_RESOURCEGROUP": parts[4],
            "AZUREML_ARM_WORKSPACE_NAME": parts[8],
            "AZUREML_ARM_PROJECT_NAME": str(run["experimentName"]),
            "AZUREML_EXPERIMENT_ID": str(run["experimentId"]),
            "AZUREML_WORKSPACE_ID": identity,
            "AZUREML_SERVICE_ENDPOINT": self.service.url,
            "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{self.service.url}/discovery/{identity}",
        }
