"""The service in an image: reads its environment, finds the model, serves until a signal ends it."""

from __future__ import annotations

import importlib
import os
import sys
from typing import cast

from flask import Flask, Response

from operation.engine.errors import WorkbenchError
from operation.engine.packaging.image.finder import Finder
from operation.engine.packaging.image.variables import settings_from
from operation.engine.serving.front import Application, Front
from operation.engine.serving.server import fronted, serve
from operation.engine.serving.settings import Settings

STOP = 3  # gunicorn's own code for a process that cannot begin: it ends instead of trying again for ever


def main() -> int:
    """Serve, and return the exit code; what goes wrong is one message."""
    try:
        settings = settings_from(os.environ)
        found = Finder(os.environ, settings)
        serve(settings, found, lambda model: _say(f"serving {model} at port {settings.port}"), around_flask)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def around_flask(settings: Settings) -> Front:
    """Return the WSGI application of one process: a Flask application behind the front of ``serve``."""
    sys.path.insert(0, str(settings.source))
    score, utils = importlib.import_module("score"), importlib.import_module("utils")
    try:
        score.init()
    except utils.StepError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(STOP) from None
    return fronted(cast(Application, pages()), vars(score), settings)


def pages() -> Flask:
    """Return what stands behind the front: one page, as Azure ML's server has it; add yours."""
    app = Flask("service", static_folder=None)

    @app.get("/")
    def healthy() -> Response:
        return Response("Healthy", mimetype="text/plain")

    return app


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
