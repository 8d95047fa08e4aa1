"""Submissions of scripts: to a compute target, or to the machine of the one who submits."""

import io
import json
import os
import shlex
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from operation.emulator.assets import environments
from operation.emulator.history import runs
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, nothing, route
from operation.emulator.jobs import execution_data, snapshots, spark
from operation.emulator.jobs.execution import Jobs
from operation.emulator.jobs.execution_job import HERE, JobDefinition, job_folder
from operation.emulator.service import Service
from operation.emulator.state import State


def definition(
    service: Service, state: State, run_id: str, configuration: Mapping[str, Any], snapshot: str | None
) -> JobDefinition:
    """Return what a run configuration asks a job to do."""
    _check_target(state, configuration)
    folder = job_folder(service, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    if snapshot:
        snapshots.unpack(service, state.name, snapshot, folder / "work")
    data = execution_data.resolve(service, state, configuration, folder)
    specification = configuration.get("environment") or {}
    variables_given = {**(specification.get("environmentVariables") or {})}
    variables_given |= configuration.get("environmentVariables") or {}
    variables = {name: str(value) for name, value in variables_given.items() if value is not None}
    job = JobDefinition(
        snapshot=None,
        script=configuration.get("script") or "",
        arguments=[data.in_words(word) for word in configuration.get("arguments") or []],
        environment_variables={**variables, **data.variables},
        time_limit=configuration.get("maxRunDurationSeconds"),
        specification=specification,
        command=_command(configuration, data),
        outputs=data.outputs,
    )
    if spark.is_spark(configuration):
        return spark.job(state, run_id, configuration, job, folder / "work")
    return job


def _check_target(state: State, configuration: Mapping[str, Any]) -> None:
    name = str(configuration.get("target") or "local")
    targets = [compute["name"] for compute in state.all("computes")]
    if name.lower() not in {"local", *map(str.lower, targets)} and not spark.is_spark(configuration):
        raise HttpError(f"Unknown compute target {name!r}; the workspace has: {', '.join(targets) or 'none'}")


def _command(configuration: Mapping[str, Any], data: execution_data.Data) -> list[str] | None:
    command = configuration.get("command")
    if not command:
        return None
    text = command if isinstance(command, str) else " ".join(map(str, command))
    shell = ["cmd.exe", "/c"] if os.name == "nt" else ["/bin/sh", "-c"]
    return [*shell, data.in_words(text)]


def _known(call: Call) -> str:
    """Return the run's id, from the query or made."""
    return call.query.get("runId") or f"{call.path['experiment']}_{uuid.uuid4().hex[:12]}"


def _recorded(call: Call, run_id: str, sent: dict[str, Any], kind: str) -> None:
    configuration = sent["Configuration"]
    if not (configuration.get("script") or configuration.get("command")):
        raise HttpError("the run configuration names neither a script nor a command")
    base = f"{call.service.url}/execution/v1.0{call.resource}"
    if configuration.get("environment"):
        configuration["environment"] = environments.used(call.state, configuration["environment"])
    fields = {
        "target": configuration.get("target"),
        "runDefinition": configuration,
        "scriptName": configuration.get("script"),
        "displayName": configuration.get("displayName"),
        "parentRunId": sent.get("ParentRunId"),
        "cancelUri": f"{base}/experiments/{call.path['experiment']}/runId/{run_id}/cancel",
        "diagnosticsUri": f"{base}/experiments/{call.path['experiment']}/runId/{run_id}/diagnostics",
        "properties": {
            "_azureml.ComputeTargetType": kind,
            "ContentSnapshotId": sent.get("SnapshotId"),
            "ProcessInfoFile": "azureml-logs/process_info.json",
            "ProcessStatusFile": "azureml-logs/process_status.json",
        },
    }
    fields["properties"] = {name: value for name, value in fields["properties"].items() if value}
    runs.record(call.state, call.path["experiment"], run_id, fields)


def _remote(call: Call) -> dict[str, Any]:
    """Run a snapshot, or a project that came along as a zip, on a compute target."""
    files = call.files() if "multipart" in call.headers.get("content-type", "") else {}
    sent = _sent(call, files)
    run_id = _known(call)
    _check_target(call.state, sent["Configuration"])  # before there is a run of it
    _recorded(call, run_id, sent, "amlcompute")
    if "project.zip" in files:
        with zipfile.ZipFile(io.BytesIO(files["project.zip"])) as archive:
            archive.extractall(job_folder(call.service, run_id) / "work")
    job = definition(call.service, call.state, run_id, sent["Configuration"], sent.get("SnapshotId"))
    call.service.part(Jobs).submit(call.state, call.path["experiment"], run_id, job)
    return {"runId": run_id}


def _sent(call: Call, files: Mapping[str, bytes]) -> dict[str, Any]:
    sent = json.loads(files["definition.json"]) if files else call.json
    if not isinstance(sent, dict) or "Configuration" not in sent:
        raise HttpError("the submission carries no run configuration")
    return sent


def _local(call: Call) -> Reply:
    """Run where the SDK is: it starts what this answer holds, in a folder of its own."""
    sent, run_id = _sent(call, call.files()), _known(call)
    _recorded(call, run_id, sent, "local")
    job = definition(call.service, call.state, run_id, sent["Configuration"], None)
    call.service.part(Jobs).submit(call.state, call.path["experiment"], run_id, job, supervised=True)
    folder = job_folder(call.service, run_id)
    command = [sys.executable, "-S", "-E", str(HERE / "execution_supervisor.py"), str(folder)]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("azureml-setup/Invocation.sh", f'#!/bin/sh\nexec {shlex.join(command)} "$PWD"\n')
        archive.writestr("azureml-setup/Invocation.bat", f'@{subprocess.list2cmdline(command)} "%CD%"\r\n')
    return Reply(packed.getvalue(), headers={"content-type": "application/zip"})


def _canceled(call: Call) -> dict[str, Any]:
    run = runs.known_run(call.state, call.path["run"])
    call.service.part(Jobs).cancel(run["runId"])
    return {}


_EXPERIMENT = f"/execution/v1.0{WORKSPACE}/experiments/{{experiment}}"

ROUTES = [
    route("POST", f"{_EXPERIMENT}/snapshotrun", _remote),
    route("POST", f"{_EXPERIMENT}/startrun", _remote),
    route("POST", f"{_EXPERIMENT}/run", _remote),
    route("POST", f"{_EXPERIMENT}/localrun", _local),
    route("POST", f"{_EXPERIMENT}/runId/{{run}}/cancel", _canceled),
    route("GET POST", f"{_EXPERIMENT}/runId/{{run}}/diagnostics", nothing),
]
