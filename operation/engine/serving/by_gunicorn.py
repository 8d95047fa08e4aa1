"""A service in processes that gunicorn keeps."""

from __future__ import annotations

import importlib
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from operation.engine.errors import StepFailed
from operation.engine.serving.counters import SUFFIX
from operation.engine.serving.environment import prepare, prepared
from operation.engine.serving.front import Front
from operation.engine.serving.keeper import Keeper
from operation.engine.serving.models import TOLD, Models
from operation.engine.serving.settings import ServedModel, Settings
from operation.engine.serving.worker import Worker

# comes with the inference server, but not on Windows
base = importlib.import_module("gunicorn.app.base")

LOADING_SECONDS = 120  # that a process may take to load its model
Ready = Callable[[ServedModel], None]
Made = Callable[[Settings], Front]


def serve_by_gunicorn(settings: Settings, models: Models, ready: Ready, application: Made) -> None:
    """Serve until a signal ends it.

    Raises
    ------
    StepFailed
        When the server ends by itself.
    """
    own = os.getpid()
    try:
        Service(settings, models, ready, application).run()
    except SystemExit as stop:
        # a process that cannot begin ends by here too: its code tells the first one to end as well
        if stop.code not in (0, None) and os.getpid() != own:
            raise
        if stop.code not in (0, None):
            raise StepFailed(
                f"the server ended with code {stop.code} before it was stopped: its last lines say why"
            ) from None
    finally:
        # a process that answered and is replaced comes by here too: what it counted stays
        if os.getpid() == own:
            for file in [*settings.state.glob(f"*{SUFFIX}"), settings.state / TOLD]:
                with suppress(OSError):
                    file.unlink()


class Service(base.BaseApplication):  # type: ignore[misc, name-defined]
    """What the `Keeper` keeps processes of.

    Parameters
    ----------
    settings : Settings
        How it serves.
    models : Models
        What it serves.
    ready : callable
        Called once, when requests are answered.
    application : callable
        Makes the WSGI application of one process.
    """

    def __init__(self, settings: Settings, models: Models, ready: Ready, application: Made) -> None:
        self._settings, self._models, self._ready, self._application = settings, models, ready, application
        super().__init__()

    def load_config(self) -> None:
        """Take over the settings; called by gunicorn."""
        for name, value in _configured(self._settings, self._ready).items():
            self.cfg.set(name, value)

    def load(self) -> Front:
        """Return the application of this process; called by gunicorn."""
        return self._application(self._settings)

    def run(self) -> None:
        """Keep processes until a signal ends it."""
        Keeper(self).run()

    def renewed(self) -> bool:
        """Find the models again; return whether new processes are to begin, with others or the same."""
        return self._prepared(self._models.renew() or not self._models.was_refused)

    def other_models(self) -> bool:
        """Look where something has changed; return whether other models are there."""
        return self._prepared(self._models.look())

    def settled(self) -> None:
        """Hear that the old processes are gone."""
        self._models.settled()

    def has_loaded(self, pid: int) -> bool:
        """Return whether a process answers."""
        return (self._settings.state / f"{pid}{SUFFIX}").exists()

    def _prepared(self, is_other: bool) -> bool:
        if is_other:
            prepare(self._settings, self._models.champion, self._models.challenger)
        return is_other


def _configured(settings: Settings, ready: Ready) -> dict[str, Any]:
    def listening(server: Any) -> None:
        # a client that stops sending, or reading, must not keep a thread; accepted connections inherit this
        for listener in server.LISTENERS:
            limit = struct.pack("ll", int(settings.seconds), int(settings.seconds % 1 * 1e6))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.sock.setsockopt(socket.SOL_SOCKET, option, limit)

    def loaded(worker: Any) -> None:
        if worker.age == 1:
            ready(prepared())
            sys.stdout.flush()

    return {
        "bind": settings.address.removeprefix("http://"),
        "workers": settings.workers,
        "worker_class": type("Answering", (Worker,), {"seconds": settings.seconds}),
        "threads": settings.threads,
        "timeout": LOADING_SECONDS,
        "graceful_timeout": round(settings.graceful_seconds),
        "keepalive": 15,
        "loglevel": "warning",
        "control_socket_disable": True,
        "when_ready": listening,
        "post_worker_init": loaded,
    }
