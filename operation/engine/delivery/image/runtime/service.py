"""The service in an image: reads its environment, finds the model, serves until a signal ends it."""

from __future__ import annotations

import os
import sys

from operation.engine.delivery.image.runtime.finder import Finder
from operation.engine.delivery.image.runtime.variables import settings_from
from operation.engine.delivery.serving.server import serve
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.errors import WorkbenchError


def main() -> int:
    """Serve, and return the exit code; what goes wrong is one message."""
    try:
        settings = settings_from(os.environ)

        def ready(model: ServedModel) -> None:
            print(f"serving {model} on port {settings.port}", flush=True)

        serve(settings, Finder(os.environ, settings), ready)
    except WorkbenchError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
