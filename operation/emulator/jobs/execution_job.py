"""One job: what it executes, what its process gets, which of its files are kept, and what its end means."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.emulator import tokens
from operation.emulator.history import artifacts, blobs, runs
from operation.emulator.hosts import storage_account
from operation.emulator.paths import file_name
from operation.emulator.service import Service
from operation.emulator.state import State, now, shaped, write_whole

HERE = Path(__file__).parent
LOG = "azureml-logs/70_driver_log.txt"
BUILD_LOG = "azureml-logs/20_image_build_log.txt"
_CREDENTIALS = "AZUREML_SERVICE_PRINCIPAL_"  # a run has its own token, and no other credential


@dataclass(frozen=True)
class JobDefinition:
    """What a job executes."""

    snapshot: Path | None  # the folder that the job gets a copy of; None: its folder is laid out already
    script: str
    arguments: list[str]  # inputs and outputs are paths already
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None  # None: one that has what `specification` asks for
    time_limit: float | None = None  # seconds
    specification: Mapping[str, Any] | None = None  # a run configuration's ``environment``
    command: list[str] | None = None  # instead of a script
    outputs: list[dict[str, Any]] = field(default_factory=list)  # registered when the job completes


def job_folder(service: Service, run_id: str) -> Path:
    """Return the folder of a run's job."""
    return service.folder / "jobs" / file_name(run_id, "a run")


@dataclass(frozen=True)
class Job:
    """The job of one run."""

    service: Service
    state: State
    run_id: str

    @property
    def folder(self) -> Path:
        """Where all that the job needs is kept."""
        return job_folder(self.service, self.run_id)

    def artifact(self, path: str) -> Path:
        """Return where an artifact of the run is."""
        account = storage_account(self.state.name)
        blob = f"ExperimentRun/dcid.{self.run_id}/{path}"
        return blobs.file(self.service, account, artifacts.CONTAINER, blob)

    def announce(self, definition: JobDefinition) -> None:
        """Write what another service on this folder must know to watch the job."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "workspace": self.state.name,
            "seconds": definition.time_limit,
            "outputs": definition.outputs,
        }
        (self.folder / "kept.json").write_text(json.dumps(facts), encoding="utf-8")

    def announced(self) -> dict[str, Any]:
        """Return what `announce` wrote."""
        return dict(json.loads((self.folder / "kept.json").read_text(encoding="utf-8")))

    def write(self, definition: JobDefinition, python: Path) -> None:
        """Write what the supervisor waits for."""
        work = self.folder / "work"
        if definition.snapshot:
            shutil.copytree(definition.snapshot, work, dirs_exist_ok=True)
        wrapper = [str(python), str(HERE / "execution_script.py"), str(self.folder / "report.json")]
        job = {
            "words": definition.command or [*wrapper, definition.script, *definition.arguments],
            "folder": str(work),  # where the SDK runs it itself, it has a folder of its own
            "environment": self._environment(definition, python),
            "log": str(self.artifact(LOG)),
            "seconds": definition.time_limit,
        }
        write_whole(self.folder / "job.json", json.dumps(job, indent=1).encode())

    def supervise(self) -> None:
        """Start the supervisor, which outlives this process."""
        command = [sys.executable, "-S", "-E", str(HERE / "execution_supervisor.py"), str(self.folder)]
        group: dict[str, Any] = {"creationflags": 0x208} if os.name == "nt" else {"start_new_session": True}
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, **group)
        threading.Thread(target=process.wait, daemon=True).start()  # so that it leaves no zombie

    def keep_outputs(self, work: Path) -> None:
        """Make artifacts of what stands in outputs and logs under `work` and is not one yet."""
        files = [file for kind in ("outputs", "logs") for file in (work / kind).rglob("*") if file.is_file()]
        for file in files:
            target = self.artifact(file.relative_to(work).as_posix())
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)

    def _environment(self, definition: JobDefinition, python: Path) -> dict[str, str]:
        inherited = {**os.environ, **self.service.environment}
        variables = {name: value for name, value in inherited.items() if not name.startswith(_CREDENTIALS)}
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            variables.pop(name, None)
        variables["PATH"] = os.pathsep.join([str(python.parent), variables.get("PATH", "")])
        variables |= {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        return {**variables, **self._identity(), **definition.environment_variables}

    def _identity(self) -> dict[str, str]:
        """Return the variables by which a script knows its run."""
        workspace = self.state.get("workspace", "workspace") or {}
        parts = [*str(workspace.get("id", "")).split("/"), *[""] * 9]
        run, seconds = runs.known_run(self.state, self.run_id), self.service.token_seconds
        url = self.service.url
        return shaped(
            "variables of a job",
            **{
                "id": workspace.get("id", ""),
                "subscription": parts[2],
                "group": parts[4],
                "workspace": parts[8],
            },
            identity=workspace.get("properties", {}).get("workspaceId", ""),
            **{"url": url, "host": url.removeprefix("https://"), "run": self.run_id},
            **{"experiment": run["experimentName"], "experiment_id": run["experimentId"]},
            **{"token": tokens.token(self.service.secret, "run", seconds, url), "expiry": now(seconds)},
        )


Outcome = tuple[str, dict[str, Any] | None]


def outcome(folder: Path, result: dict[str, Any], seconds: float | None) -> Outcome:
    """Return the run's status, and its error document where it failed."""
    how, code = result["how"], result.get("code")
    if how == "canceled":
        return "Canceled", None
    if how == "time":
        message = f"The run was stopped: it took longer than its limit of {seconds:g} s."
        return "Failed", runs.failure(message, type="MaxRunDurationExceeded", message=message)
    if how == "lost":
        message = "The process that watched the job was killed, its end is unknown. Submit it again."
        return "Failed", runs.failure(message, "ServiceError", type="JobLost", message=message)
    if how in ("not started", "not prepared"):
        return "Failed", runs.failure(
            result["said"], type=result.get("type", "StartFailed"), message=result["said"]
        )
    if not code:
        return "Completed", None
    return "Failed", _failed(folder, code)


def _failed(folder: Path, code: int) -> dict[str, Any]:
    report = folder / "report.json"
    if report.exists():
        text = json.loads(report.read_text(encoding="utf-8"))
        message = f"User program failed with {text['type']}: {text['message']}"
        location = {name: str(text[name]) for name in ("file", "line") if name in text}
        return runs.failure(
            message, type=text["type"], message=text["message"], traceback=text["traceback"], **location
        )
    if code < 0:
        name = signal.Signals(-code).name
        text = f"The user program was killed by {name}"
        text += ", as happens when the machine runs out of memory." if name == "SIGKILL" else "."
        return runs.failure(text, type="Killed", message=text, signal=name)
    last_line = last_words(folder)
    text = f"The user program ended with exit code {code}." + (
        f" Its last line: {last_line}" if last_line else ""
    )
    return runs.failure(text, type="SystemExit", message=last_line or text, exit_code=str(code))


def last_words(folder: Path) -> str:
    """Return the last line that the job printed; empty when it printed nothing."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    log = Path(job["log"])
    text = log.read_bytes()[-8192:].decode("utf-8", "replace") if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
