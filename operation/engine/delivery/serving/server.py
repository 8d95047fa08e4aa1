"""A service: granian runs the processes that answer, a thread beside it looks for other models."""

import multiprocessing
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial

from operation.engine.delivery.serving.models import Models
from operation.engine.delivery.serving.settings import ServedModel, Settings
from operation.engine.delivery.serving.worker import load_app
from operation.engine.foundation.errors import StepFailed

METRICS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client reads it when it is imported
PAUSE = 0.1  # seconds between two looks at what the processes have loaded
MOST_HEAD_SECONDS = 60  # of the server's own limit for the head of a request


def serve(
    settings: Settings, find_model: Callable[[], ServedModel] | Models, ready: Callable[[ServedModel], None]
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

    Raises
    ------
    StepFailed
        When the server ends by itself.
    """
    models = find_model if isinstance(find_model, Models) else Models(settings, find_model)
    models.begin()
    folder = settings.state / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[METRICS] = str(folder)
    # the first process has threads: what is forked from it could wait for their locks for ever
    multiprocessing.set_start_method("spawn", force=True)
    ended, renew = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(settings, models, ready, ended, renew), daemon=True)
    try:
        _serve(settings, watch, renew)
    except SystemExit as stop:
        raise StepFailed(
            f"The server ended with code {stop.code} before it was stopped. Its last lines say why."
        ) from None
    finally:
        ended.set()
        models.end()


def _serve(settings: Settings, watch: threading.Thread, renew: threading.Event) -> None:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    head_seconds = min(settings.seconds, MOST_HEAD_SECONDS)
    server = Granian(
        __name__,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=round(head_seconds * 1000)),
        websockets=False,
        workers=settings.workers,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, round(settings.graceful_seconds)),
        log_level=LogLevels.warning,
    )

    @server.on_startup
    def begin() -> None:
        if hasattr(signal, "SIGHUP"):  # by itself the server would start its processes anew
            signal.signal(signal.SIGHUP, lambda *_: renew.set())
        watch.start()

    server.serve(target_loader=partial(load_app, settings), wrap_loader=False)


def _watch(
    settings: Settings,
    models: Models,
    ready: Callable[[ServedModel], None],
    ended: threading.Event,
    renew: threading.Event,
) -> None:
    """Look for other models until the service ends; say when the first ones answer."""
    is_ready = False
    while not ended.wait(PAUSE):
        if not is_ready:
            is_ready = models.settle() and _is_open(settings)
            if is_ready:
                ready(models.champion)
        elif renew.is_set():
            renew.clear()
            models.renew()
        else:
            models.look()
        models.settle()


def _is_open(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    try:
        socket.create_connection((host, settings.port), 1).close()
    except OSError:
        return False
    return True
