"""Which model is served: the scoring script finds, verifies and tries it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from operation.engine import configuration
from operation.engine.delivery.serving.settings import ServedModel, served_from
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout


def registered_words(layout: Layout, environment: str | None, use_case: str | None) -> list[str]:
    """Return the words that name the use case's model in its registry.

    Raises
    ------
    UsageError
        When no step of the use case registers a model.
    """
    configured = configuration.load(environment, use_case, layout)
    for step in configured.steps.values():
        if {"name", "tracking-uri"} <= step.arguments.keys():
            return [
                word for name in ("name", "tracking-uri") for word in (f"--{name}", str(step.arguments[name]))
            ]
    raise UsageError(
        f"no step of '{configured.use_case}' registers a model: name the folder of one with --model"
    )


def by_words(layout: Layout, words: Sequence[str]) -> ServedModel:
    """Return the model that `words` name to ``score.py``, once it has been loaded and has predicted.

    Raises
    ------
    StepFailed
        When there is none, or not the one that training wrote: what the script says.
    """
    done = subprocess.run(
        [sys.executable, str(layout.src / "score.py"), *words],
        cwd=layout.root,
        env={**os.environ, "SCORE_ARGUMENTS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"score.py ended with code {done.returncode}"]
        raise StepFailed(said[-1].removeprefix("error: "))
    return served_from(json.loads(done.stdout.splitlines()[-1]))
