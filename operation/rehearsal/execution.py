"""Jobs: what is submitted becomes a child process in a folder of its own, watched to its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.rehearsal import artifacts, auth, blobs, delivery, execution_environment, runs
from operation.rehearsal.execution_outcome import outcome
from operation.rehearsal.naming import storage_account

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import State

HERE = Path(__file__).parent
LOG = "azureml-logs/70_driver_log.txt"
BUILD_LOG = "azureml-logs/20_image_build_log.txt"
MOMENT = 0.05  # seconds between two looks at a job
SILENCE = 20.0  # seconds after which a supervisor that gives no sign is gone
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


class Jobs:
    """All jobs of the service, by run.

    Parameters
    ----------
    service : Service
        What they belong to; what was running when another service on the same folder ended is
        watched again.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._ended: dict[str, threading.Event] = {}
        self._places: dict[str, State] = {}
        self._slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def folder(self, run_id: str) -> Path:
        """Return the folder that is kept for a job."""
        return self.service.folder / "jobs" / run_id

    def submit(
        self,
        state: State,
        experiment: str,
        run_id: str,
        definition: JobDefinition,
        *,
        supervised: bool = False,
    ) -> None:
        """Start the job; its run is made when there is none yet.

        Parameters
        ----------
        state : State
            The workspace's state.
        experiment : str
            The experiment's name.
        run_id : str
            The run, and the name of the job's folder.
        definition : JobDefinition
            What to execute.
        supervised : bool
            Whether somebody else starts the supervisor.
        """
        folder = self.folder(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        runs.record(state, experiment, run_id, {})
        runs.status(state, run_id, "Queued")
        kept = {"workspace": state.name, "seconds": definition.time_limit, "outputs": definition.outputs}
        (folder / "kept.json").write_text(json.dumps(kept), encoding="utf-8")
        self._follow(run_id, state, lambda: self._run(state, experiment, run_id, definition, supervised))

    def status(self, run_id: str) -> str:
        """Return the status of the job's run, in Azure's words."""
        return str(runs.known_run(self._places[run_id], run_id)["status"])

    def cancel(self, run_id: str) -> None:
        """Ask the job to stop; what has ended stays as it is."""
        if run_id in self._places and not self._ended[run_id].is_set():
            (self.folder(run_id) / "cancel").touch()
            runs.status(self._places[run_id], run_id, "CancelRequested")

    def wait(self, run_id: str, seconds: float | None = None) -> str:
        """Wait until the job has ended, at most `seconds`, and return its run's status."""
        self._ended[run_id].wait(seconds)
        return self.status(run_id)

    def stop(self) -> None:
        """End all jobs, since the service ends."""
        live = [run_id for run_id, ended in self._ended.items() if not ended.is_set()]
        for run_id in live:
            self.cancel(run_id)
        for run_id in live:
            self._ended[run_id].wait(10)

    def resume(self) -> None:
        """Watch again what was running when the last service on this folder ended."""
        for kept in sorted((self.service.folder / "jobs").glob("*/kept.json")):
            run_id, facts = kept.parent.name, json.loads(kept.read_text(encoding="utf-8"))
            state = self.service.state(facts["workspace"])
            run = state.get("runs", run_id)
            if run and run["status"] not in runs.ENDED:
                self._follow(run_id, state, lambda state=state, run_id=run_id: self._watch(state, run_id))

    def _follow(self, run_id: str, state: State, work: Any) -> None:
        self._ended[run_id], self._places[run_id] = threading.Event(), state

        def follow() -> None:
            try:
                work()
            finally:
                self._ended[run_id].set()

        threading.Thread(target=follow, name=run_id, daemon=True).start()

    def _run(
        self, state: State, experiment: str, run_id: str, definition: JobDefinition, supervised: bool
    ) -> None:
        folder = self.folder(run_id)
        with self._slots:
            runs.status(state, run_id, "Preparing")
            try:
                python = definition.python or self._python(state, run_id, definition)
            except execution_environment.NotHad as error:
                (folder / "cancel").touch()  # a supervisor that waits has nothing to wait for
                self._finish(state, run_id, {"how": "not prepared", "said": str(error), "type": error.kind})
                return
            self._write(state, experiment, run_id, definition, python)
            if not supervised:
                _supervise(folder)
            self._watch(state, run_id)

    def _python(self, state: State, run_id: str, definition: JobDefinition) -> Path:
        log = self._artifact(state, run_id, BUILD_LOG)
        return execution_environment.interpreter(
            definition.specification, self.service.folder / "environments", log
        )

    def _write(
        self, state: State, experiment: str, run_id: str, definition: JobDefinition, python: Path
    ) -> None:
        """Write what the supervisor waits for."""
        folder = self.folder(run_id)
        place = folder / "work"
        if definition.snapshot:
            shutil.copytree(definition.snapshot, place, dirs_exist_ok=True)
        wrapper = [str(python), str(HERE / "execution_script.py"), str(folder / "report.json")]
        job = {
            "words": definition.command or [*wrapper, definition.script, *definition.arguments],
            "folder": str(place),  # where the SDK runs it itself, it has a folder of its own
            "environment": self._environment(state, experiment, run_id, definition, python),
            "log": str(self._artifact(state, run_id, LOG)),
            "seconds": definition.time_limit,
        }
        partial = folder / "job.partial"
        partial.write_text(json.dumps(job, indent=1), encoding="utf-8")
        partial.replace(folder / "job.json")

    def _artifact(self, state: State, run_id: str, path: str) -> Path:
        account = storage_account(state.name)
        return blobs.file(self.service, account, artifacts.CONTAINER, f"ExperimentRun/dcid.{run_id}/{path}")

    def _environment(
        self, state: State, experiment: str, run_id: str, definition: JobDefinition, python: Path
    ) -> dict[str, str]:
        here = {**os.environ, **self.service.environment}
        kept = {name: value for name, value in here.items() if not name.startswith(_CREDENTIALS)}
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            kept.pop(name, None)
        kept["PATH"] = os.pathsep.join([str(python.parent), kept.get("PATH", "")])
        kept |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "AZUREML_DISABLE_RUN_KILL_SIGNAL": "1"}
        return {**kept, **self._identity(state, experiment, run_id), **definition.environment_variables}

    def _identity(self, state: State, experiment: str, run_id: str) -> dict[str, str]:
        """Return the variables by which a script knows its run."""
        place = state.get("workspace", "workspace") or {}
        parts = str(place.get("id", "")).split("/")
        parts += [""] * (9 - len(parts))
        identity, seconds = place.get("properties", {}).get("workspaceId", ""), self.service.token_seconds
        known = runs.known_run(state, run_id)
        return {
            "AZUREML_RUN_ID": run_id,
            "AZUREML_RUN_TOKEN": auth.token(self.service.secret, "run", seconds, self.service.url),
            "AZUREML_RUN_TOKEN_EXPIRY": str(int(time.time()) + seconds),
            "AZUREML_ARM_SUBSCRIPTION": parts[2],
            "AZUREML_ARM_RESOURCEGROUP": parts[4],
            "AZUREML_ARM_WORKSPACE_NAME": parts[8],
            "AZUREML_ARM_PROJECT_NAME": experiment,
            "AZUREML_EXPERIMENT_ID": str(known["experimentId"]),
            "AZUREML_WORKSPACE_ID": identity,
            "AZUREML_SERVICE_ENDPOINT": self.service.url,
            "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{self.service.url}/discovery/{identity}",
        }

    def _watch(self, state: State, run_id: str) -> None:
        folder = self.folder(run_id)
        result, since = folder / "result.json", time.time()
        running = False
        while not result.exists():
            job = folder / "job.json"
            if not running and job.exists() and (folder / "alive").exists():
                runs.status(state, run_id, "Running")
                running = True
            alive = folder / "alive"
            seen = max(since, alive.stat().st_mtime if alive.exists() else 0)
            if time.time() - seen > SILENCE:
                self._finish(state, run_id, {"how": "lost", "code": None})
                return
            time.sleep(MOMENT)
        self._finish(state, run_id, json.loads(result.read_text(encoding="utf-8")))

    def _finish(self, state: State, run_id: str, result: dict[str, Any]) -> None:
        folder = self.folder(run_id)
        kept = json.loads((folder / "kept.json").read_text(encoding="utf-8"))
        if result.get("folder"):
            runs.status(state, run_id, "Finalizing")
            self._keep_outputs(state, run_id)
        status, error = outcome(folder, result, kept["seconds"])
        if status == "Completed":
            for output in kept["outputs"]:
                delivery.keep(state, output)
        runs.status(state, run_id, status, error)

    def _keep_outputs(self, state: State, run_id: str) -> None:
        """Make artifacts of what stands in outputs and logs and is not one yet."""
        result = json.loads((self.folder(run_id) / "result.json").read_text(encoding="utf-8"))
        place = Path(result["folder"])
        files = [file for kind in ("outputs", "logs") for file in (place / kind).rglob("*") if file.is_file()]
        for file in files:
            target = self._artifact(state, run_id, file.relative_to(place).as_posix())
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


def _supervise(folder: Path) -> None:
    words = [sys.executable, "-S", "-E", str(HERE / "execution_supervisor.py"), str(folder)]
    group: dict[str, Any] = {"creationflags": 0x208} if os.name == "nt" else {"start_new_session": True}
    null = subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=null, stdout=null, stderr=null, **group)
    threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie
