"""HyperDrive: a run of its own for each combination of hyperparameters, each a real job."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from operation.emulator.history import artifacts, runs
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, route
from operation.emulator.jobs import execution_routes
from operation.emulator.jobs.execution import Jobs
from operation.emulator.jobs.hyperdrive_sampling import samples
from operation.emulator.service import Service
from operation.emulator.state import Document, State, now

KEPT, LOG = "hyperdrive", "azureml-logs/hyperdrive.txt"
_TAGS = ("generator_config", "primary_metric_config", "policy_config", "platform_config")
_COUNTS = ("max_total_jobs", "max_concurrent_jobs", "max_duration_minutes")
_LIVE: dict[str, Search] = {}


class Search:
    """The children of one HyperDrive run, made one after another.

    No policy ends a child early here: children of an emulator are short.
    """

    def __init__(
        self, service: Service, state: State, experiment: str, run_id: str, request: Document
    ) -> None:
        self._service, self._state = service, state
        self._experiment, self._run_id, self._wanted = experiment, run_id, request
        self._stop = threading.Event()
        self._paused = False
        self._lines: list[str] = []
        generator = request["generator_config"]
        combinations = samples(generator["name"], generator["parameter_space"], self._seed(generator))
        self._samples = list(itertools.islice(combinations, request.get("max_total_jobs") or 1))

    def run(self) -> None:
        """Execute all children, as many at once as were asked for."""
        runs.status(self._state, self._run_id, "Running")
        self._say(f"{len(self._samples)} children to execute")
        workers = max(1, int(self._wanted.get("max_concurrent_jobs") or 1))
        try:
            with ThreadPoolExecutor(workers, f"hyperdrive {self._run_id}") as pool:
                ends = list(pool.map(self._child, range(len(self._samples))))
        finally:
            _LIVE.pop(self._run_id, None)
        self._end(ends)

    def pause(self) -> None:
        """Start no more children: the service ends, and the next one goes on."""
        self._paused = True
        self._stop.set()

    def cancel(self) -> None:
        """Start no more children, and stop those that run."""
        self._stop.set()
        runs.status(self._state, self._run_id, "CancelRequested")
        for number in range(len(self._samples)):
            self._service.part(Jobs).cancel(self._name(number))

    def _child(self, number: int) -> str:
        if self._stop.is_set():
            return "Canceled"
        run = self._state.get("runs", self._name(number))
        if run:  # a service before this one started it
            ended = run["status"] in runs.ENDED
            return str(run["status"]) if ended else self._service.part(Jobs).wait(run["runId"])
        name, values = self._name(number), json.dumps(self._samples[number])
        fields: Document = {"parentRunId": self._run_id, "tags": {"hyperparameters": values}}
        definition = self._configuration(number)
        fields |= {"target": definition.get("target"), "runDefinition": definition}
        runs.record(self._state, self._experiment, name, fields)
        runs.record(self._state, self._experiment, self._run_id, {"tags": {f"_aml_system_{name}": values}})
        self._say(f"{name} with {values}")
        try:
            snapshot = self._platform.get("SnapshotId")
            job = execution_routes.definition(self._service, self._state, name, definition, snapshot)
        except HttpError as refused:
            runs.status(self._state, name, "Failed", runs.failure(refused.message))
            return "Failed"
        self._service.part(Jobs).submit(self._state, self._experiment, name, job)
        end = self._service.part(Jobs).wait(name)
        self._say(f"{name} {end}")
        return end

    def _configuration(self, number: int) -> Document:
        """Return the run configuration with the child's values as arguments."""
        configuration: Document = dict(self._platform["Overrides"])
        arguments = list(configuration.get("arguments") or [])
        for name, value in self._samples[number].items():
            option = name if name.startswith("-") else f"--{name}"
            arguments += [option, value if isinstance(value, str) else json.dumps(value)]
        return {**configuration, "arguments": arguments}

    def _end(self, ends: list[str]) -> None:
        failed = ends.count("Failed")
        if self._paused:
            return
        if self._stop.is_set():
            runs.status(self._state, self._run_id, "Canceled")
        elif failed == len(ends):
            message = f"all {failed} child runs failed; see their errors"
            runs.status(self._state, self._run_id, "Failed", runs.failure(message))
        else:
            runs.status(self._state, self._run_id, "Completed")
        self._say(f"ended: {', '.join(ends)}")

    def _say(self, line: str) -> None:
        self._lines.append(f"[{now()}] {line}")
        container = (self._service, self._state.name, "ExperimentRun", f"dcid.{self._run_id}")
        artifacts.store(*container, LOG, data="\n".join([*self._lines, ""]).encode())

    def _name(self, number: int) -> str:
        return f"{self._run_id}_{number}"

    @property
    def _platform(self) -> Document:
        definition: Document = self._wanted["platform_config"]["Definition"]
        return definition

    def _seed(self, generator: Document) -> object:
        return (generator.get("properties") or {}).get("seed", self._run_id)


def _created(call: Call) -> Reply:
    request = json.loads(next(iter(call.files().values()), b"null"))
    if not isinstance(request, dict) or "Overrides" not in _definition(request):
        raise HttpError("the submission carries no run configuration: pipelines are not swept here")
    run_id = call.path.get("run") or f"HD_{uuid.uuid4()}"
    request["platform_config"]["ParentRunId"] = run_id
    search = Search(call.service, call.state, call.path["experiment"], run_id, request)
    tags = {f"_aml_system_{name}": json.dumps(request.get(name)) for name in _TAGS}
    tags |= {f"_aml_system_{name}": str(request.get(name) or 0) for name in _COUNTS}
    metric = json.dumps(request["primary_metric_config"])
    properties = {"runTemplate": "HyperDrive", "azureml.runsource": "hyperdrive", "platform": "AML"}
    fields = {"runType": "hyperdrive", "target": _definition(request)["Overrides"].get("target")}
    fields |= {"tags": tags, "properties": {**properties, "primary_metric_config": metric}}
    runs.record(call.state, call.path["experiment"], run_id, fields)
    call.state.put(KEPT, run_id, {"run": run_id, "experiment": call.path["experiment"], "wanted": request})
    _start(run_id, search)
    return Reply({"code": 201, "result": {**request, "status": "RUNNING"}}, 201)


def _start(run_id: str, search: Search) -> None:
    _LIVE[run_id] = search
    threading.Thread(target=search.run, name=run_id, daemon=True).start()


def _pause() -> None:
    for search in list(_LIVE.values()):
        search.pause()


def begin(service: Service) -> None:
    """Go on with the sweeps that the service before this one began."""
    service.at_end.append(_pause)
    for state in map(service.state, service.workspaces()):
        for stored in state.all(KEPT):
            if runs.known_run(state, stored["run"])["status"] not in runs.ENDED:
                _start(
                    stored["run"],
                    Search(service, state, stored["experiment"], stored["run"], stored["wanted"]),
                )


def _definition(request: Document) -> dict[str, Any]:
    return (request.get("platform_config") or {}).get("Definition") or {}


def _canceled(call: Call) -> Document:
    runs.known_run(call.state, call.path["run"])
    search = _LIVE.get(call.path["run"])
    if search:
        search.cancel()
    else:
        runs.status(call.state, call.path["run"], "Canceled")
    return {"code": 200, "result": True}


_BASE = f"/hyperdrive/v1.0{WORKSPACE}/experiments/{{experiment}}"

ROUTES = [
    route("POST", f"{_BASE}/runs", _created),
    route("POST", f"{_BASE}/hdruns/{{run}}", _created),
    route("POST", f"{_BASE}/runs/{{run}}/cancel", _canceled),
]
