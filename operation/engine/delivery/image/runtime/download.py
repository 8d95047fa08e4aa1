"""A model that is fetched when the service starts: whole and the one that was meant, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from operation.engine.delivery.image.runtime.web import Web, shown
from operation.engine.foundation.errors import StepFailed

FACTS, MODEL = "model.json", "model.pickle"


def fetched(web: Web, url: Callable[[str], str], digest: str, models: Path) -> Path:
    """Return the folder of a model, fetched unless it is there.

    Parameters
    ----------
    web : Web
        Asks.
    url : callable
        Where a file of the model is, by its name.
    digest : str
        What the SHA-256 of model.pickle must begin with.
    models : Path
        Folder to fetch it into.

    Raises
    ------
    StepFailed
        When it cannot be had or written, or is another model; nothing of it stays.
    """
    target = models / digest[:64]
    if target.is_dir() and _digest(target / MODEL).startswith(digest):
        return target
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        for file in (FACTS, MODEL):
            with (partial / file).open("wb") as stream:
                for piece in web.pieces(url(file)):
                    stream.write(piece)
        _check(partial / MODEL, digest, shown(url(MODEL)))
        shutil.rmtree(target, ignore_errors=True)
        partial.replace(target)
    except OSError as error:
        raise StepFailed(f"cannot write the model to {models}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _check(file: Path, digest: str, where: str) -> None:
    found = _digest(file)
    if not found.startswith(digest):
        raise StepFailed(
            f"{where} is not the model that was meant: its digest is {found[:12]}, that of the one meant is "
            f"{digest[:12]}; it was not loaded"
        )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
