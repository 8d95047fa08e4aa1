"""A pipeline that ran well becomes a version of an endpoint, which people, REST calls and schedules start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.configuration.models import Pipeline

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.pipeline.core import PipelineEndpoint, PipelineRun, PublishedPipeline, Schedule


@dataclass(frozen=True)
class Published:
    """A published pipeline."""

    name: str  # of its endpoint
    version: str  # of the endpoint; it is the default one now
    url: str  # what a POST with a bearer token and ``{"ExperimentName": ...}`` starts
    schedule: str = ""  # when it runs by itself; empty when it does not


def publish(workspace: Workspace, run: PipelineRun, settings: Pipeline, version: str) -> Published:
    """Publish the pipeline of `run` as the default version of the endpoint that `settings` name."""
    pipeline = run.publish_pipeline(settings.publish, f"made by run {run.id}", version)
    endpoint = _endpoint(workspace, settings.publish, pipeline)
    return Published(settings.publish, str(endpoint.default_version), endpoint.endpoint)


def _endpoint(workspace: Workspace, name: str, pipeline: PublishedPipeline) -> PipelineEndpoint:
    from azureml.pipeline.core import PipelineEndpoint

    known = {one.name for one in PipelineEndpoint.list(workspace)}
    if name not in known:
        return PipelineEndpoint.publish(workspace, name, pipeline.description, pipeline)
    endpoint = PipelineEndpoint.get(workspace, name=name)
    endpoint.add_default(pipeline)
    return endpoint


def schedule(workspace: Workspace, settings: Pipeline, experiment: str) -> str:
    """Let the endpoint's default version run by time or on new data, in place of any earlier schedule."""
    if not settings.every and not settings.on_new_data:
        return ""
    from azureml.pipeline.core import PipelineEndpoint, Schedule, ScheduleRecurrence

    for one in Schedule.list(workspace, active_only=True):
        if one.name == settings.publish:
            one.disable(wait_for_provisioning=False)
    pipeline = PipelineEndpoint.get(workspace, name=settings.publish).get_pipeline()
    if settings.every:
        when = ScheduleRecurrence(frequency=settings.every.capitalize(), interval=settings.interval)
        Schedule.create(workspace, settings.publish, pipeline.id, experiment, recurrence=when)
        return (
            f"every {settings.interval} {settings.every}"
            if settings.interval > 1
            else f"every {settings.every}"
        )
    _on_new_data(workspace, settings, pipeline, experiment)
    return f"on new data in {settings.on_new_data}"


def _on_new_data(
    workspace: Workspace, settings: Pipeline, pipeline: PublishedPipeline, experiment: str
) -> Schedule:
    from azureml.pipeline.core import Schedule

    return Schedule.create(
        workspace,
        settings.publish,
        pipeline.id,
        experiment,
        datastore=workspace.get_default_datastore(),
        path_on_datastore=settings.on_new_data,
        polling_interval=5,
    )
