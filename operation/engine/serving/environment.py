"""What Azure ML's inference server and the scoring script read from the environment."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

from operation.engine.serving.settings import PLAN, ServedModel, Settings

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"azmlinfsrv": {"level": "ERROR"}},
}


def prepare(settings: Settings, model: ServedModel, challenger: ServedModel | None = None) -> None:
    """Set it, for processes that begin from now on."""
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


def prepared() -> ServedModel:
    """Return the champion that was set last."""
    words = shlex.split(os.environ["SCORE_ARGUMENTS"])
    given = dict(zip(words[::2], words[1::2], strict=False))
    return ServedModel(Path(given["--model"]), given.get("--name"), given.get("--version"), given["--digest"])
