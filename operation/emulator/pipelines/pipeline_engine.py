"""Executing a graph: each step when those before it have ended, as many at once as there are cores."""

from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from operation.emulator.http import HttpError
from operation.emulator.jobs.execution import Jobs
from operation.emulator.pipelines import pipeline_history as history
from operation.emulator.pipelines.entities import load
from operation.emulator.pipelines.pipeline_graph import PipelineGraph, values
from operation.emulator.pipelines.pipeline_record import (
    CANCELED,
    ENDED,
    FAILED,
    FINISHED,
    QUEUED,
    RUNNING,
    RUNS,
    graph_of,
    located,
    update_run,
    update_step,
)
from operation.emulator.pipelines.pipeline_step import Step
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now

_LIVE: dict[str, PipelineExecution] = {}


def start(service: Service, state: State, run_id: str, parent: str | None = None) -> None:
    """Start executing a kept run; returns at once."""
    with state.change(RUNS, run_id) as record:
        if record["IsSubmitted"]:
            raise HttpError(f"pipeline run {run_id} was submitted before", "BadRequest")
        record["IsSubmitted"] = True
    history.opened(state, record, parent)
    execution = _LIVE[run_id] = PipelineExecution(service, state, record)
    threading.Thread(target=execution.run, name=f"pipeline {run_id}", daemon=True).start()


def cancel(state: State, run_id: str) -> None:
    """Stop the steps that run and start no more."""
    if run_id in _LIVE:
        _LIVE[run_id].cancel()
        return
    record = load(state, RUNS, run_id)
    if record["Status"]["StatusCode"] not in ENDED:
        update_run(state, run_id, CANCELED)
        history.ended(state, record, CANCELED, None)


def settled(state: State, record: Document) -> Document:
    """Return the record; a run that a service before this one was executing has failed."""
    if record["Id"] in _LIVE or record["Status"]["StatusCode"] != RUNNING:
        return record
    message = "The emulator was stopped while it executed the pipeline; submit it again."
    history.ended(state, record, FAILED, message)
    update_run(state, record["Id"], FAILED)
    return load(state, RUNS, record["Id"])


class PipelineExecution:
    """One run of a graph."""

    def __init__(self, service: Service, state: State, record: Document) -> None:
        self._service, self._state, self._record = service, state, record
        self.run_id: str = record["Id"]
        self._graph = PipelineGraph(graph_of(state, record), state)
        self._values = values(load(state, "pipeline-graphs", record["GraphId"])["Interface"], record)
        self._made: dict[str, Step] = {}  # steps whose outputs are there
        self._running: dict[str, Step] = {}
        self._stop = threading.Event()
        self._canceled = False

    def run(self) -> None:
        """Execute until nothing is left that can be."""
        update_run(self._state, self.run_id, RUNNING)
        failures = [("", "The emulator itself failed: its service.log says how.")]
        try:
            failures = self._steps()
        except HttpError as error:
            failures = [("", error.message)]
        finally:
            _LIVE.pop(self.run_id, None)
            code = CANCELED if self._canceled else FAILED if failures else FINISHED
            history.ended(self._state, self._record, code, _error(failures))
            update_run(self._state, self.run_id, code)

    def cancel(self) -> None:
        """Stop the steps that run and start no more."""
        self._canceled = True
        self._end_running()

    def _end_running(self) -> None:
        self._stop.set()
        for step in list(self._running.values()):
            self._service.part(Jobs).cancel(step.run_id)

    def _steps(self) -> list[tuple[str, str]]:
        """Execute the steps; return the name and the error of each that failed."""
        waiting, failures = set(self._graph.nodes), list[tuple[str, str]]()
        with ThreadPoolExecutor(os.cpu_count() or 1, f"steps of {self.run_id}") as pool:
            started: dict[Future[tuple[str, str]], str] = {}
            while True:
                for node in sorted(waiting):
                    if not self._stop.is_set() and self._graph.before(node) <= set(self._made):
                        waiting.remove(node)
                        started[pool.submit(self._step, node)] = node
                if not started:
                    return failures
                for future in wait(started, return_when=FIRST_COMPLETED).done:
                    node, (code, error) = started.pop(future), future.result()
                    waiting -= self._graph.after(node) if code != FINISHED else set()
                    self._weigh(code, error, node, failures)

    def _weigh(self, code: str, error: str, node: str, failures: list[tuple[str, str]]) -> None:
        """Decide what the end of a step means for the others."""
        if code == FAILED:
            failures.append((self._graph.name(node), error))
        elif code == CANCELED and not self._stop.is_set():  # somebody cancelled the step and not the pipeline
            self._canceled = True
        if code != FINISHED and (self._canceled or not self._record["Continue"]):
            self._end_running()

    def _step(self, node: str) -> tuple[str, str]:
        """Execute one step, or take over what an earlier run of it made; return its end, and its error."""
        if self._stop.is_set():
            return CANCELED, ""
        step = Step(self._graph, node, self._values, str(uuid.uuid4()), self._made)
        self._mark(step, QUEUED, RunId=step.run_id, CreationTime=now())
        try:
            same = None if step.regenerate else history.earlier(self._service, self._state, step)
            code, error = self._reused(step, same) if same else self._executed(step)
        except HttpError as refused:  # what the step asks for is not there
            code, error = FAILED, refused.message
            history.refused(self._state, self._record, step, error)
        if code == FINISHED:
            placed = {name: located(location) for name, location in step.outputs.items()}
            update_step(self._state, self.run_id, node, Outputs=placed)
            self._made[node] = step
        self._mark(step, code, EndTime=now())
        return code, error

    def _reused(self, step: Step, same: Document) -> tuple[str, str]:
        step.result = same["RunId"]
        reused = {"ExperimentId": same["PipelineRunId"], "NodeId": same["NodeId"], "RunId": same["RunId"]}
        update_step(self._state, self.run_id, step.node, ReuseInfo=reused, StartTime=now())
        history.reused(self._state, self._record, step, same)
        return FINISHED, ""

    def _executed(self, step: Step) -> tuple[str, str]:
        self._running[step.node] = step
        self._mark(step, RUNNING, StartTime=now())
        try:
            history.submitted(self._service, self._state, self._record, step)
            if self._stop.is_set():  # since the step was begun
                self._service.part(Jobs).cancel(step.run_id)
            code, error = history.outcome(self._service, self._state, step)
        finally:
            self._running.pop(step.node, None)
        if code == FINISHED:
            history.remember(self._service, self._state, step, self.run_id)
        return code, error

    def _mark(self, step: Step, code: str, **fields: object) -> None:
        update_step(self._state, self.run_id, step.node, StatusCode=code, **fields)


def _error(failures: list[tuple[str, str]]) -> str | None:
    if not failures:
        return None
    named = "; ".join(f"step '{name}': {error}" if name else error for name, error in failures)
    return f"Pipeline has some failed steps. See child run or execution logs for more details. {named}"
