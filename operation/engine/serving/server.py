"""The processes of a service: gunicorn with Azure ML's inference server in each, or waitress on Windows."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from operation.engine.serving.counters import SUFFIX, Counters
from operation.engine.serving.environment import prepare
from operation.engine.serving.front import Application, Front
from operation.engine.serving.models import Models
from operation.engine.serving.openapi import document
from operation.engine.serving.settings import ServedModel, Settings


def serve(
    settings: Settings,
    find_model: Callable[[], ServedModel] | Models,
    ready: Callable[[ServedModel], None],
    application: Callable[[Settings], Front] | None = None,
) -> None:
    """Serve until a signal ends it: requests that have begun are answered.

    Parameters
    ----------
    settings : Settings
        How.
    find_model : callable or Models
        Returns the model; called at the start, and again at each SIGHUP. `Models` also look by themselves.
    ready : callable
        Called once, when requests are answered.
    application : callable, optional
        Makes the WSGI application of one process (default: around Azure ML's inference server).

    Raises
    ------
    StepFailed
        When the server ends by itself.
    """
    made = application or around_inference_server
    for file in settings.state.glob(f"*{SUFFIX}"):
        file.unlink()
    models = find_model if isinstance(find_model, Models) else Models(settings.state, find_model)
    models.begin()
    prepare(settings, models.champion, models.challenger)
    if os.name == "nt":
        from operation.engine.serving.by_waitress import serve_by_waitress

        serve_by_waitress(settings, ready, made)
        return
    from operation.engine.serving.by_gunicorn import serve_by_gunicorn

    serve_by_gunicorn(settings, models, ready, made)


def around_inference_server(settings: Settings) -> Front:
    """Return the WSGI application of one process: the inference server, loaded, behind the front."""
    logging.disable(logging.WARNING)  # the inference server calls its own variables unknown
    try:
        from azureml_inference_server_http.server.entry import app  # type: ignore[import-untyped]
    finally:
        logging.disable(logging.NOTSET)

    return fronted(app, app.azml_blueprint.user_script.get_run_function().__globals__, settings)


def fronted(app: Application, script: Mapping[str, Any], settings: Settings) -> Front:
    """Return the front of `app` that sends requests to ``script``, the names of a loaded ``score.py``."""
    scorers = script["scorers"]()
    scorer = scorers["champion"]
    models = {variant: one.identity for variant, one in scorers.items()}
    counters = Counters(settings.state, models)
    for one in scorers.values():
        one.observed = counters.count_variant
    return Front(
        app,
        script["answered"],
        keys=settings.keys,
        most_bytes=settings.most_bytes,
        seconds=settings.seconds,
        counters=counters,
        models=models,
        openapi=document(
            scorer.model.facts,
            scorer.identity["version"],
            needs_key=bool(settings.keys),
            most_rows=scorer.reader.most_rows,
        ),
    )
