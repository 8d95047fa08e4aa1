"""A pipeline as a workflow of GitHub Actions."""

from __future__ import annotations

from typing import Any

from operation.engine.pipelines.model import PUBLISHED
from operation.engine.pipelines.source import SourcePipeline, SourceStage, SourceStep

CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
PYTHON = "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065"
UPLOAD = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02"
LOGIN = "azure/login@a65d910e8af852a8061c627c456678983e180302"
PINS = {CHECKOUT: "v4.2.2", PYTHON: "v5.6.0", UPLOAD: "v4.6.2", LOGIN: "v2.2.0"}
_WHEN = {"failed": "${{ failure() }}", "always": "${{ !cancelled() }}"}


def github_workflow(pipeline: SourcePipeline) -> dict[str, Any]:
    """Return the workflow as YAML's mappings and lists."""
    on: dict[str, Any] = {}
    if pipeline.branches:
        on["push"] = {"branches": list(pipeline.branches)}
    if pipeline.pull_requests:
        on["pull_request"] = {}
    if pipeline.schedule:
        on["schedule"] = [{"cron": pipeline.schedule}]
    return {
        "name": pipeline.name,
        "on": {**on, "workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        # a deployment is never stopped half-way
        "concurrency": {
            "group": "${{ github.workflow }}-${{ github.ref }}",
            "cancel-in-progress": pipeline.pull_requests,
        },
        "defaults": {"run": {"shell": "bash"}},
        "jobs": {stage.name: _job(stage) for stage in pipeline.stages},
    }


def _job(stage: SourceStage) -> dict[str, Any]:
    content: dict[str, Any] = {"name": stage.title}
    if stage.after:
        content["needs"] = list(stage.after)
    if gate := stage.gate:
        content["if"] = f"${{{{ needs.{gate.stage}.outputs.{gate.output} == '{gate.value}' }}}}"
    content["runs-on"] = "${{ matrix.system }}" if stage.systems else "ubuntu-latest"
    content["timeout-minutes"] = stage.minutes
    if stage.systems:
        content["strategy"] = {"fail-fast": False, "matrix": {"system": list(stage.systems)}}
    if stage.environment:
        content["environment"] = stage.environment
    if stage.connection:
        content["permissions"] = {"contents": "read", "id-token": "write"}
    outputs = {
        step.output: f"${{{{ steps.{step.name}.outputs.{step.output} }}}}"
        for step in stage.steps
        if step.output
    }
    if outputs:
        content["outputs"] = outputs
    return {**content, "steps": _steps(stage)}


def _steps(stage: SourceStage) -> list[dict[str, Any]]:
    artifact = f"{stage.name}-${{{{ matrix.system }}}}" if stage.systems else stage.name
    names = ("client-id", "tenant-id", "subscription-id")
    login = {name: f"${{{{ vars.AZURE_{name.upper().replace('-', '_')} }}}}" for name in names}
    return [
        {"uses": CHECKOUT, "with": {"persist-credentials": False}},
        {"uses": PYTHON, "with": {"python-version": "3.11"}},
        *([{"uses": LOGIN, "with": login}] if stage.connection else []),
        *({"name": command, "run": command} for command in stage.set_up),
        *(_step(step, stage.connection) for step in stage.steps),
        _step(SourceStep(f"report --publish {PUBLISHED}", when="always"), ""),
        {"uses": UPLOAD, "if": _WHEN["always"], "with": {"name": artifact, "path": PUBLISHED}},
    ]


def _step(step: SourceStep, connection: str) -> dict[str, Any]:
    content: dict[str, Any] = {"name": step.words}
    if step.name:
        content["id"] = step.name
    if step.when:
        content["if"] = _WHEN[step.when]
    content["run"] = f"python -m operation {step.words}"
    if connection:
        content["env"] = {"AZUREML_LOGIN": "az", "SUBSCRIPTION_ID": "${{ vars.AZURE_SUBSCRIPTION_ID }}"}
    return content
