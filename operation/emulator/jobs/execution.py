"""Jobs: what is submitted becomes a child process in a folder of its own, watched to its end."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from operation.emulator.history import runs
from operation.emulator.http import HttpError
from operation.emulator.jobs import delivery, execution_environment
from operation.emulator.jobs.execution_job import BUILD_LOG, Job, JobDefinition, outcome
from operation.emulator.service import Service
from operation.emulator.state import State

MOMENT = 0.05  # seconds between two looks at a job
SILENCE = 20.0  # seconds after which a supervisor that gives no sign is gone
_LOG = logging.getLogger("uvicorn.error")


class Jobs:
    """All jobs of the service, by run."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._ended: dict[str, threading.Event] = {}
        self._jobs: dict[str, Job] = {}
        self._slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        service.at_end.append(self.stop)
        self._resume()

    def submit(
        self,
        state: State,
        experiment: str,
        run_id: str,
        definition: JobDefinition,
        *,
        supervised: bool = False,
    ) -> None:
        """Start the job; its run is made when there is none yet."""
        job = Job(self.service, state, run_id)
        runs.record(state, experiment, run_id, {})
        runs.status(state, run_id, "Queued")
        job.announce(definition)
        self._follow(job, lambda: self._run(job, definition, supervised))

    def status(self, run_id: str) -> str:
        """Return the status of the job's run, in Azure's words."""
        return str(runs.known_run(self._jobs[run_id].state, run_id)["status"])

    def cancel(self, run_id: str) -> None:
        """Ask the job to stop; what has ended stays as it is."""
        if run_id in self._jobs and not self._ended[run_id].is_set():
            (self._jobs[run_id].folder / "cancel").touch()
            runs.status(self._jobs[run_id].state, run_id, "CancelRequested")

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

    def _resume(self) -> None:
        """Watch again what was running when the last service on this folder ended."""
        for file in sorted((self.service.folder / "jobs").glob("*/kept.json")):
            facts = json.loads(file.read_text(encoding="utf-8"))
            job = Job(self.service, self.service.state(facts["workspace"]), file.parent.name)
            run = job.state.get("runs", job.run_id)
            if run and run["status"] not in runs.ENDED:
                self._follow(job, partial(self._watch, job))

    def _follow(self, job: Job, work: Callable[[], None]) -> None:
        self._ended[job.run_id], self._jobs[job.run_id] = threading.Event(), job

        def follow() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a run that never ends would tell nobody
                _LOG.exception("a defect in following %s", job.run_id)
                message = f"The emulator failed (traceback in its log): {type(error).__name__}: {error}"
                runs.status(job.state, job.run_id, "Failed", runs.failure(message, "ServiceError"))
            finally:
                self._ended[job.run_id].set()

        threading.Thread(target=follow, name=job.run_id, daemon=True).start()

    def _run(self, job: Job, definition: JobDefinition, supervised: bool) -> None:
        with self._slots:
            runs.status(job.state, job.run_id, "Preparing")
            try:
                python = definition.python or execution_environment.interpreter(
                    definition.specification, self.service.folder / "environments", job.artifact(BUILD_LOG)
                )
            except execution_environment.BuildFailed as error:
                (job.folder / "cancel").touch()  # a supervisor that waits has nothing to wait for
                self._finish(job, {"how": "not prepared", "said": str(error), "type": error.kind})
                return
            job.write(definition, python)
            if not supervised:
                job.supervise()
            self._watch(job)

    def _watch(self, job: Job) -> None:
        result, alive = job.folder / "result.json", job.folder / "alive"
        sign, since, running = 0.0, time.monotonic(), False
        while not result.exists():
            latest = alive.stat().st_mtime if alive.exists() else 0.0
            if latest != sign:  # by the clock that a sleeping machine stops
                sign, since = latest, time.monotonic()
            if sign and not running and (job.folder / "job.json").exists():
                runs.status(job.state, job.run_id, "Running")
                running = True
            if time.monotonic() - since > SILENCE:
                self._finish(job, {"how": "lost"})
                return
            time.sleep(MOMENT)
        self._finish(job, json.loads(result.read_text(encoding="utf-8")))

    def _finish(self, job: Job, result: dict[str, Any]) -> None:
        announced = job.announced()
        status, error = outcome(job.folder, result, announced["seconds"])
        if status == "Completed":  # before Finalizing, for which the SDK does not wait
            try:
                for output in announced["outputs"]:
                    delivery.register(job.state, output)
            except HttpError as refused:
                kind = "OutputRegistrationFailed"
                status, error = "Failed", runs.failure(refused.message, type=kind, message=refused.message)
        if result.get("folder"):
            if status == "Completed":  # the SDK waits no longer then, and would not raise a failure
                runs.status(job.state, job.run_id, "Finalizing")
            job.keep_outputs(Path(result["folder"]))
        runs.status(job.state, job.run_id, status, error)
