"""Publish a successful pipeline as a version of an endpoint, which people, REST calls and schedules start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operation.engine.configuration.models import Pipeline

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.pipeline.core import PipelineEndpoint, PipelineRun, PublishedPipeline


@dataclass(frozen=True)
class Published:
    """A published pipeline."""

    name: str  # of its endpoint
    version: str  # the endpoint's default version
    url: str  # what a POST with a bearer token and ``{"ExperimentName": ...}`` starts


def publish(workspace: Workspace, run: PipelineRun, settings: Pipeline, version: str) -> Published:
    """Publish the pipeline of `run` as the default version of the endpoint that `settings` name."""
    pipeline = run.publish_pipeline(settings.publish, f"from run {run.id}", version)
    endpoint = _endpoint(workspace, settings.publish, pipeline)
    return Published(settings.publish, str(endpoint.default_version), endpoint.endpoint)


def _endpoint(workspace: Workspace, name: str, pipeline: PublishedPipeline) -> PipelineEndpoint:
    from azureml.pipeline.core import PipelineEndpoint

    names = {endpoint.name for endpoint in PipelineEndpoint.list(workspace)}
    if name not in names:
        return PipelineEndpoint.publish(workspace, name, pipeline.description, pipeline)
    endpoint = PipelineEndpoint.get(workspace, name=name)
    endpoint.add_default(pipeline)
    return endpoint


def schedule(workspace: Workspace, settings: Pipeline, experiment: str) -> str:
    """Let the endpoint's default version run by time or on new data, in place of any earlier schedule."""
    if not settings.every and not settings.on_new_data:
        return ""
    from azureml.pipeline.core import PipelineEndpoint, Schedule, ScheduleRecurrence

    for active in Schedule.list(workspace, active_only=True):
        if active.name == settings.publish:
            active.disable(wait_for_provisioning=False)
    pipeline = PipelineEndpoint.get(workspace, name=settings.publish).get_pipeline()
    if settings.every:
        trigger: dict[str, Any] = {
            "recurrence": ScheduleRecurrence(
                frequency=settings.every.capitalize(), interval=settings.interval
            )
        }
        when = f"every {f'{settings.interval} ' if settings.interval > 1 else ''}{settings.every}"
    else:
        folder, store = settings.on_new_data, workspace.get_default_datastore()
        trigger = {"datastore": store, "path_on_datastore": folder, "polling_interval": 5}
        when = f"on new data in {folder}"
    Schedule.create(workspace, settings.publish, pipeline.id, experiment, **trigger)
    return when
