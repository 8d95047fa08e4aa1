"""The processes of a service: gunicorn with Azure ML's inference server in each, or waitress on Windows."""

from __future__ import annotations

import importlib
import json
import logging
import os
import shlex
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from operation.engine.errors import StepFailed
from operation.engine.serving.counters import SUFFIX, Counters
from operation.engine.serving.front import Application, Front
from operation.engine.serving.models import TOLD, Models
from operation.engine.serving.openapi import document
from operation.engine.serving.settings import PLAN, ServedModel, Settings

LOADING_SECONDS = 120  # that a process may take to load its model
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"azmlinfsrv": {"level": "ERROR"}},
}


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
        _serve_by_waitress(settings, ready, made)
        return
    _serve_by_gunicorn(settings, models, ready, made)


def prepare(settings: Settings, model: ServedModel, challenger: ServedModel | None = None) -> None:
    """Set what the inference server and the script read from the environment."""
    words = model.words
    if challenger:
        plan = settings.state / PLAN
        words += ["--challenger", shlex.join(challenger.words), "--plan", str(plan.resolve())]
    settings.state.mkdir(parents=True, exist_ok=True)
    # without it the server tells each request in two lines, which costs more than the prediction
    (settings.state / "logging.json").write_text(json.dumps(LOGGING), encoding="utf-8")
    os.environ.pop("AZUREML_MODEL_DIR", None)
    os.environ.update(
        AML_APP_ROOT=str(settings.state.resolve()),
        AZUREML_ENTRY_SCRIPT=str(settings.source / "score.py"),
        AML_APP_INSIGHTS_ENABLED="false",
        SCORE_ARGUMENTS=shlex.join([*words, *settings.words]),
    )


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


def _serve_by_waitress(
    settings: Settings, ready: Callable[[ServedModel], None], application: Callable[[Settings], Front]
) -> None:
    waitress = importlib.import_module("waitress")  # comes with the inference server on Windows alone
    made = application(settings)
    ready(_model())
    waitress.serve(
        made,
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        max_request_body_size=settings.most_bytes,
        channel_timeout=settings.seconds,
    )


def _model() -> ServedModel:
    words = shlex.split(os.environ["SCORE_ARGUMENTS"])
    given = dict(zip(words[::2], words[1::2], strict=False))
    return ServedModel(Path(given["--model"]), given.get("--name"), given.get("--version"), given["--digest"])


def _serve_by_gunicorn(
    settings: Settings,
    models: Models,
    ready: Callable[[ServedModel], None],
    application: Callable[[Settings], Front],
) -> None:
    # both come with the inference server, but not on Windows
    gunicorn = importlib.import_module("gunicorn.app.base")
    keeper = importlib.import_module("operation.engine.serving.keeper")

    class Service(gunicorn.BaseApplication):  # type: ignore[misc, name-defined]
        def load_config(self) -> None:
            for name, value in _configured(settings, ready).items():
                self.cfg.set(name, value)

        def load(self) -> Front:
            return application(settings)

        def run(self) -> None:
            keeper.Keeper(self).run()

        def renewed(self) -> bool:
            return self._prepared(models.renew() or not models.was_refused)

        def other_models(self) -> bool:
            return self._prepared(models.look())

        def _prepared(self, is_other: bool) -> bool:
            if is_other:
                prepare(settings, models.champion, models.challenger)
            return is_other

        def settled(self) -> None:
            models.settled()

        def has_loaded(self, pid: int) -> bool:
            return (settings.state / f"{pid}{SUFFIX}").exists()

    own = os.getpid()
    try:
        Service().run()
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


def _configured(settings: Settings, ready: Callable[[ServedModel], None]) -> dict[str, Any]:
    def listening(server: Any) -> None:
        # a client that stops sending, or reading, must not keep a thread; accepted connections inherit this
        for listener in server.LISTENERS:
            limit = struct.pack("ll", int(settings.seconds), int(settings.seconds % 1 * 1e6))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.sock.setsockopt(socket.SOL_SOCKET, option, limit)

    def loaded(worker: Any) -> None:
        if worker.age == 1:
            ready(_model())
            sys.stdout.flush()

    worker = importlib.import_module("operation.engine.serving.worker")
    return {
        "bind": settings.address.removeprefix("http://"),
        "workers": settings.workers,
        "worker_class": type("Answering", (worker.Worker,), {"seconds": settings.seconds}),
        "threads": settings.threads,
        "timeout": LOADING_SECONDS,
        "graceful_timeout": round(settings.graceful_seconds),
        "keepalive": 15,
        "loglevel": "warning",
        "control_socket_disable": True,
        "when_ready": listening,
        "post_worker_init": loaded,
    }
