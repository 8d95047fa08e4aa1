"""What a use case says of Azure ML beside its steps: an AutoML baseline, a published pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from operation.engine.configuration.documents import Place

if TYPE_CHECKING:
    from operation.engine.configuration.steps import Graph


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )


class Automl(_Strict):
    """``automl:`` a search by Azure ML, that the use case's own model is compared with."""

    training: str
    holdout: str
    label: str
    task: Literal["classification", "regression"]
    metric: str
    compare: str
    iterations: Annotated[int, Field(ge=1, le=1000)] = 20
    minutes: Annotated[int, Field(ge=15, le=10080)] = 30


class Pipeline(_Strict):
    """``pipeline:`` the name of the published endpoint, and when it runs by itself."""

    publish: str
    every: Literal["minute", "hour", "day", "week", "month"] | None = None
    interval: Annotated[int, Field(ge=1, le=1000)] = 1
    on_new_data: str | None = None


SECTIONS: dict[str, type[BaseModel]] = {"automl": Automl, "pipeline": Pipeline}


def settings_problems(
    automl: Automl | None, pipeline: Pipeline | None, graph: Graph
) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the sections against the steps."""
    if automl:
        for key, value in (("training", automl.training), ("holdout", automl.holdout)):
            if problem := graph.source_problem(value):
                yield ("automl", key), f"'{key}' of 'automl' {problem}"
        if automl.compare not in graph.steps:
            yield ("automl", "compare"), f"'compare' of 'automl': there is no step '{automl.compare}'."
    if pipeline and pipeline.every and pipeline.on_new_data:
        message = "'pipeline' has both 'every' and 'on-new-data': a schedule is one of them. Remove one."
        yield ("pipeline", "on-new-data"), message
