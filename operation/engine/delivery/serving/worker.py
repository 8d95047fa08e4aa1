"""One process of a service: it loads the models that the status names, and exchanges them as it answers."""

import importlib
import logging
import os
import signal
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait
from typing import Any

from operation.engine.delivery.serving.app import ScoringApp
from operation.engine.delivery.serving.metrics import Metrics
from operation.engine.delivery.serving.models import acknowledge, read_status
from operation.engine.delivery.serving.settings import Settings

LOOK_SECONDS = 0.2
FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


def load_app(settings: Settings) -> ScoringApp:
    """Return the application of this process, its models loaded; called by the server in each process."""
    logging.basicConfig(level=logging.WARNING, format=FORMAT)
    if str(settings.source) not in sys.path:
        sys.path.insert(0, str(settings.source))
    script, metrics = importlib.import_module("score"), Metrics(settings.state)
    status = read_status(settings.state)
    try:
        script.init(status["arguments"])
    except script.step.StepError as error:  # what is wrong with the first model is one message
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    metrics.observe(script.scorers())
    acknowledge(settings.state, status["number"])
    arguments = (settings, script, metrics, status["number"])
    threading.Thread(target=_exchange, args=arguments, daemon=True).start()
    return ScoringApp(settings, script, metrics)


def _exchange(settings: Settings, script: Any, metrics: Metrics, number: int) -> None:
    """Load other models whenever there are some; end with the process that keeps this one."""
    parent = parent_process()
    while not (parent and wait([parent.sentinel], LOOK_SECONDS)):
        status = read_status(settings.state)
        if status and status["number"] != number:
            number = status["number"]
            acknowledge(settings.state, number, _load(script, metrics, status["arguments"]))
    os.kill(os.getpid(), signal.SIGTERM)


def _load(script: Any, metrics: Metrics, arguments: list[str]) -> str:
    """Load models; return why they cannot be loaded, nothing where they answer."""
    try:
        script.init(arguments)
    except Exception as error:  # the boundary: whatever is wrong with new models, the previous ones answer
        logging.getLogger("score").exception("models that were verified could not be loaded")
        return str(error) or type(error).__name__
    metrics.observe(script.scorers())
    return ""
