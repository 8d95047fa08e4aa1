"""Images that are built once a session, whatever the number of workers."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.operation.engine.delivery.image.building import Builder, build_base, new_builder, require_builder
from tests.operation.engine.delivery.image.registry import Server, serving_registry
from tests.src.conftest import flights  # noqa: F401 - fixture
from tests.src.running import Trained

IN_IMAGE, AT_START = "localhost/workbench-flights:in-image", "localhost/workbench-flights:at-start"


@dataclass(frozen=True)
class Images:
    """What was built."""

    builder: Builder
    base: str  # what the images were built on
    model: Path  # what the one of them holds
    canary: str  # a secret that was set where they were built
    said: str  # what the builder printed


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only worker that builds; the others wait."""
    with closing(sqlite3.connect(folder / "images.lock", timeout=900, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="session")
def images(
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    flights: Trained,  # noqa: F811
) -> Iterator[Images]:
    """Build both images, unless another worker has; the last worker removes them."""
    require_builder()
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    users = shared / "images-users"
    with alone(shared):
        users.mkdir(exist_ok=True)
        record = shared / "images" / "images.json"
        if not record.is_file():
            _build(new_builder(record.parent), flights.model, record)
        (users / worker_id).touch()
    told = json.loads(record.read_text(encoding="utf-8"))
    builder = Builder(record.parent, told["driver"])
    yield Images(builder, told["base"], Path(told["model"]), told["canary"], told["said"])
    with alone(shared):
        (users / worker_id).unlink()
        if not any(users.iterdir()):
            builder.remove()


def _build(builder: Builder, model: Path, record: Path) -> None:
    base, canary = build_base(builder), f"canary-{secrets.token_hex(16)}"
    # one that goes to pip by the secret file, one that only stands around
    secret = {"PIP_TRUSTED_HOST": f"{canary}.example", "AZUREML_SERVICE_PRINCIPAL_PASSWORD": canary}
    done = builder.package("--model", model, "--base", base, "--tag", IN_IMAGE, **secret)
    again = builder.package("--model-at-start", "--base", base, "--tag", AT_START, **secret)
    told = {"driver": builder.driver, "base": base, "model": str(model), "canary": canary}
    said = done.stdout + done.stderr + again.stdout + again.stderr
    record.write_text(json.dumps({**told, "said": said}), encoding="utf-8")


@pytest.fixture(scope="session")
def registry(flights: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:  # noqa: F811
    """Start an MLflow tracking server with the model as champion."""
    with serving_registry(flights, tmp_path_factory.mktemp("registry")) as server:
        yield server
