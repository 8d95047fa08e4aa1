"""A service in one process with threads: on Windows, where there is no gunicorn."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from operation.engine.serving.environment import prepared
from operation.engine.serving.front import Front
from operation.engine.serving.settings import ServedModel, Settings


def serve_by_waitress(
    settings: Settings, ready: Callable[[ServedModel], None], application: Callable[[Settings], Front]
) -> None:
    """Serve until a signal ends it."""
    waitress = importlib.import_module("waitress")  # comes with the inference server on Windows alone
    made = application(settings)
    ready(prepared())
    waitress.serve(
        made,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        max_request_body_size=settings.most_bytes,
        channel_timeout=settings.seconds,
    )
