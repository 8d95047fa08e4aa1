"""The Dockerfile of an image, from its template."""

import json
from collections.abc import Mapping
from pathlib import Path

from operation.engine.delivery.image.contents import SERVICE
from operation.engine.delivery.image.runtime.variables import PORT

# no digest can be stated for it from here: a tag, until --base names image@sha256:...
BASE = "python:3.11.13-slim-bookworm"
HEALTH = (
    "import http.client, os; "
    f"port = int(os.environ.get('SCORE_PORT', {PORT})); "
    "service = http.client.HTTPConnection('127.0.0.1', port, timeout=3); "
    "service.request('GET', '/health/ready'); "
    "raise SystemExit(service.getresponse().status != 200)"
)
VARIABLES = {
    "PATH": "/opt/service/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": "/app",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    # one thread a request: several requests are answered at once, each at its own pace
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def dockerfile(
    base: str, labels: Mapping[str, str], variables: Mapping[str, str], *, model_in_image: bool
) -> str:
    """Return the text of a Dockerfile.

    `base` is an image that holds Python 3.11 with venv, by digest (``name@sha256:...``) or by tag; a
    container may set other `variables`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - a Dockerfile is no HTML
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(quoted=_quoted, exec=lambda words: json.dumps(list(words)))
    return environment.get_template("Dockerfile.j2").render(
        base=base,
        pinned="@sha256:" in base,
        labels=sorted(labels.items()),
        variables=list({**VARIABLES, **variables}.items()),
        in_image=model_in_image,
        health=["/opt/service/bin/python3", "-c", HEALTH],
        service=SERVICE,
    )


def _quoted(value: str) -> str:
    """Return a value as LABEL and ENV read it: quoted, and nothing in it means a variable."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")
