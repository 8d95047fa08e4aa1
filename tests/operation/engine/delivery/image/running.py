"""A container that is asked like any other service."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import free_port
from tests.operation.engine.delivery.image.building import Builder
from tests.operation.engine.delivery.serving.running import Service, end, wait_until

KEY = "a-key-of-the-tests"


@dataclass
class Container(Service):
    """One container that answers."""

    name: str = ""  # as the builder knows it
    builder: Builder | None = None
    main: int = 0  # the process that its entry point became

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the service, as a container engine does."""
        os.kill(self.main, number)

    def inside(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as its user."""
        assert self.builder
        named = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
        return subprocess.run(
            ["buildah", "run", *named, self.name, "--", *words],
            env=self.builder.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@contextmanager
def running(
    builder: Builder, image: str, folder: Path, volumes: Sequence[str] = (), **variables: str
) -> Iterator[Container]:
    """Start a container with a key and wait until it is ready; end and remove it.

    Volumes are ``<here>:<there>:<options>``; without SCORE_KEY the service has the key of the tests.
    """
    with started(builder, image, folder, volumes, **variables) as container:
        wait_until(lambda: _is_ready(container), container.text)
        container.main = _main(container.process.pid, builder.config(image)["Entrypoint"])
        yield container


@contextmanager
def started(
    builder: Builder, image: str, folder: Path, volumes: Sequence[str] = (), **variables: str
) -> Iterator[Container]:
    """Start a container, ready or not; end and remove it."""
    name, port, out = builder.run("from", "--pull-never", image), free_port(), folder / "container.txt"
    given = {"SCORE_PORT": str(port), "SCORE_KEY": KEY, **variables}
    words = [part for key, value in given.items() if value for part in ("--env", f"{key}={value}")]
    words += [part for volume in volumes for part in ("--volume", volume)]
    command = ["buildah", "run", *words, name, "--", *builder.config(image)["Entrypoint"]]
    with out.open("wb") as stream:
        process = subprocess.Popen(
            command, env=builder.environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    try:
        yield Container(process, port, out, given["SCORE_KEY"], name, builder)
    finally:
        _end(process)
        builder.run("rm", name)


def predictions(
    service: Service, rows: Sequence[Mapping[str, Any]], at_once: int = 1
) -> list[dict[str, Any]]:
    """Return the prediction for each row, asked for `at_once` rows a request over one connection."""
    found: list[dict[str, Any]] = []
    connection = service.connection()
    headers = {"Authorization": f"Bearer {service.key}"} if service.key else {}
    try:
        for first in range(0, len(rows), at_once):
            body = json.dumps({"data": rows[first : first + at_once]})
            connection.request("POST", "/score", body, headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
            assert answer.status == 200, document
            found += document["predictions"]
    finally:
        connection.close()
    return found


def _is_ready(container: Container) -> bool:
    assert container.process.poll() is None, container.text()
    try:
        return container.asked("GET", "/health/ready")[0] == 200
    except OSError:
        return False


def _processes() -> dict[int, int]:
    """Return the parent of each process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        found[int(folder.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def _below(process: int) -> list[int]:
    """Return the processes below one, nearest first."""
    parents, found = _processes(), [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _main(process: int, entrypoint: Sequence[str]) -> int:
    for one in _below(process):
        words = Path(f"/proc/{one}/cmdline").read_bytes().decode().split("\0")[:-1]
        if words == list(entrypoint):
            return one
    raise AssertionError(f"no process below {process} is {entrypoint}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for child in _below(process.pid) if process.poll() is None else ():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    end(process)
