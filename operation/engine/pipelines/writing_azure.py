"""A pipeline in the YAML of Azure DevOps.

The official schema wants texts for the scalars of a pipeline, and booleans in the inputs of tasks.
"""

from __future__ import annotations

from typing import Any

from operation.engine.pipelines.model import PUBLISHED
from operation.engine.pipelines.source import SourcePipeline, SourceStage, SourceStep

_WHEN = {"failed": "failed()", "always": "succeededOrFailed()"}


def azure_pipeline(pipeline: SourcePipeline) -> dict[str, Any]:
    """Return the pipeline as YAML's mappings and lists."""
    every = {"branches": {"include": ["*"]}}
    content: dict[str, Any] = {
        "trigger": {"branches": {"include": list(pipeline.branches)}} if pipeline.branches else "none",
        "pr": every if pipeline.pull_requests else "none",
    }
    if pipeline.schedule:
        content["schedules"] = [
            {
                "cron": pipeline.schedule,
                "displayName": pipeline.name,
                "branches": {"include": ["main"]},
                "always": "true",  # also without a new commit
            }
        ]
    content["pool"] = {"vmImage": "ubuntu-latest"}
    deployments = {stage.name for stage in pipeline.stages if stage.environment}
    content["stages"] = [_stage(stage, deployments) for stage in pipeline.stages]
    return content


def _stage(stage: SourceStage, deployments: set[str]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "stage": stage.name,
        "displayName": stage.title,
        "dependsOn": list(stage.after),
    }
    if gate := stage.gate:
        twice = f"{gate.stage}." if gate.stage in deployments else ""  # a deployment's outputs name it again
        key = f"{gate.stage}.{twice}{gate.step}.{gate.output}"
        content["condition"] = (
            f"and(succeeded(), eq(dependencies.{gate.stage}.outputs['{key}'], '{gate.value}'))"
        )
    return {**content, "jobs": [_job(stage)]}


def _job(stage: SourceStage) -> dict[str, Any]:
    content: dict[str, Any] = {
        "deployment" if stage.environment else "job": stage.name,
        "displayName": stage.title,
        "timeoutInMinutes": str(stage.minutes),
    }
    if stage.systems:
        matrix = {system.replace("-", "_"): {"system": system} for system in stage.systems}
        content |= {"strategy": {"matrix": matrix}, "pool": {"vmImage": "$(system)"}}
    if not stage.environment:
        return {**content, "steps": _steps(stage)}
    deploy = {"runOnce": {"deploy": {"steps": _steps(stage)}}}
    return {**content, "environment": stage.environment, "strategy": deploy}


def _steps(stage: SourceStage) -> list[dict[str, Any]]:
    artifact = f"{stage.name}-$(system)" if stage.systems else stage.name
    steps: list[dict[str, Any]] = [
        {"checkout": "self", "fetchDepth": "1", "persistCredentials": "false"},
        {"task": "UsePythonVersion@0", "displayName": "Python 3.11", "inputs": {"versionSpec": "3.11"}},
        *({"bash": command, "displayName": command} for command in stage.set_up),
        *(_step(step, stage.connection) for step in stage.steps),
        _step(SourceStep(f"report --publish {PUBLISHED}", when="always"), ""),
    ]
    if stage.results:
        results = {"testResultsFormat": "JUnit", "testResultsFiles": stage.results}
        steps.append({"task": "PublishTestResults@2", "condition": "succeededOrFailed()", "inputs": results})
    return [*steps, {"publish": PUBLISHED, "artifact": artifact, "condition": "succeededOrFailed()"}]


def _step(step: SourceStep, connection: str) -> dict[str, Any]:
    command = f"python -m operation {step.words}"
    content: dict[str, Any] = {"bash": command}
    if connection:
        content = {
            "task": "AzureCLI@2",
            "inputs": {
                "azureSubscription": connection,
                "scriptType": "bash",
                "scriptLocation": "inlineScript",
                "inlineScript": command,
            },
            "env": {"AZUREML_LOGIN": "az"},
        }
    content["displayName"] = step.words
    if step.name:
        content["name"] = step.name
    if step.when:
        content["condition"] = _WHEN[step.when]
    return content
