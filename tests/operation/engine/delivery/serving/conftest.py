"""One service for the tests that only ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operation.engine.delivery.serving.running import Service, serving
from tests.src.conftest import everything, tumours  # noqa: F401 - fixtures
from tests.src.running import Trained

KEY = "a-key-of-the-tests"


@pytest.fixture(scope="session")
def service(everything: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:  # noqa: F811
    """Return a service that wants a key."""
    words = ["--model", everything.model, "--most-rows", 50, "--most-bytes", 100_000, "--seconds", 2]
    with serving(tmp_path_factory.mktemp("service"), *words, key=KEY) as started:
        yield started
