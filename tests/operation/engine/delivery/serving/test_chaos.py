"""Everything at once: the model is replaced, by a bad one too, workers are killed, the disk of the log fills,
clients hang, and no answer is wrong.

``WORKBENCH_CHAOS=60`` asks for a minute of it.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import score
from modelling import models
from operation.engine.delivery.serving import models as models_of_service
from scoring import scored_parts
from tests.operation.engine.delivery.serving.running import Service, serving, wait_until
from tests.src.requesting import request, rows
from tests.src.running import Trained, run

SECONDS = float(os.environ.get("WORKBENCH_CHAOS", "2"))
CLIENTS = 4
DISK = 'mount -t tmpfs -o size=$1 none $2 || exit 99; shift 2; exec "$@"'
MEGABYTES = 20 + int(3 * SECONDS)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")


class Client(threading.Thread):
    """Asks again and again, and remembers what was said."""

    def __init__(
        self, number: int, service: Service, bodies: list[str], expected: dict[str, list[Any]]
    ) -> None:
        super().__init__(daemon=True)
        self.number, self.service, self.bodies, self.expected = number, service, bodies, expected
        self.ended = threading.Event()
        self.acknowledged: list[str] = []
        self.digests: set[str] = set()
        self.wrong: list[Any] = []
        self.broken = self.refused = 0

    def run(self) -> None:
        connection, number = self.service.connection(), 0
        while not self.ended.is_set():
            row, name = number % len(self.bodies), f"{self.number}-{number}"
            number += 1
            try:
                connection.request("POST", "/score", self.bodies[row], {"x-request-id": name})
                answer = connection.getresponse()
                document = json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                self.broken += 1  # its worker was killed, or ended between two requests
                connection.close()
                continue
            self.judge(row, name, answer.status, document)

    def judge(self, row: int, name: str, status: int, document: dict[str, Any]) -> None:
        """Remember an answer: right, refused because it could not be logged, or wrong."""
        digest = document["model"]["digest"] if status == 200 else ""
        if digest and document["predictions"] == self.expected[digest][row]:
            self.acknowledged.append(name)
            self.digests.add(digest)
        elif status == 503 and "the scoring log is unavailable" in document["error"]["message"]:
            self.refused += 1
        else:
            self.wrong.append((status, document))


@dataclass
class Chaos:
    """What happens to a service, again and again."""

    service: Service
    state: Path  # the service's folder
    served: Path  # the folder of its model
    disk: Path  # the small disk of its log, as this process sees it
    good: list[Path]  # models that take turns
    refused: Callable[[], int]  # how many requests have been refused
    hanging: list[socket.socket] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)

    def go_on(self) -> None:
        """Let each happen in turn until the time is over, and each at least once."""
        deeds: list[Callable[[], None]] = [self.kill, self.fill, self.spoil, self.replace]
        until, number = time.monotonic() + SECONDS, 0
        while time.monotonic() < until or number < len(deeds):
            time.sleep(min(SECONDS / 4, 1))
            self.hang()
            deed = deeds[number % len(deeds)]
            deed()
            self.happened[deed.__name__] = self.happened.get(deed.__name__, 0) + 1
            number += 1
        for client in self.hanging:
            client.close()

    def hang(self) -> None:
        """Begin a request that never ends."""
        client = socket.create_connection(("127.0.0.1", self.service.port))
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        self.hanging.append(client)

    def kill(self) -> None:
        """Kill the newest process that answers."""
        with suppress(ProcessLookupError):
            os.kill(self.service.workers()[-1], signal.SIGKILL)

    def fill(self) -> None:
        """Fill the disk of the log until somebody is refused."""
        before = self.refused()
        filler = self.disk / "filler"
        file = os.open(filler, os.O_WRONLY | os.O_CREAT)
        for size in (1_000_000, 64):
            with suppress(OSError):
                while True:
                    os.write(file, bytes(size))
        os.close(file)
        self.wait(lambda: self.refused() > before)
        self.wait(lambda: self.readiness() == 503)
        filler.unlink()
        self.wait(lambda: self.readiness() == 200)

    def spoil(self) -> None:
        """Put bytes in the model's place that nobody trained, and wait until they are refused."""
        before = self.told()["refused"]["champion"]
        content = (self.served / "model.pickle").read_bytes()
        self._put("model.pickle", content[:-1] + bytes([content[-1] ^ 1]))
        self.service.process.send_signal(signal.SIGHUP)
        self.wait(lambda: self.told()["refused"]["champion"] > before)

    def replace(self) -> None:
        """Put the next model in its place, and wait until it is all that answers."""
        self.good.append(self.good.pop(0))
        for name in ("model.json", "model.pickle"):
            self._put(name, (self.good[0] / name).read_bytes())
        self.service.process.send_signal(signal.SIGHUP)
        known = models.read_facts(self.good[0])["digest"][:12]
        self.wait(lambda: known in self.told()["served"]["champion"] and self.told()["settled"])

    def readiness(self) -> int:
        """Return the status of the page that says whether requests may come."""
        try:
            return self.service.asked("GET", "/health/ready")[0]
        except (OSError, http.client.HTTPException):
            return 0  # its process was just killed

    def told(self) -> dict[str, Any]:
        """Return what the service says of its models."""
        return models_of_service.read_status(self.state)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait as long as a loaded machine may need."""
        wait_until(condition, self.service.text)

    def _put(self, name: str, content: bytes) -> None:
        (self.served / "partial").write_bytes(content)
        (self.served / "partial").replace(self.served / name)


def small_disk(place: Path) -> list[object]:
    """Return the words that start a command with a disk of its own at `place`, or skip."""
    reason = "no unshare on this machine"
    if shutil.which("unshare"):
        own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        words = [*own, "sh", "-c", DISK, "sh", f"{MEGABYTES}m", str(place)]
        tried = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return list(words)
        reason = f"a disk cannot be mounted here: {tried.stderr.strip()}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def test_no_wrong_answer_and_no_lost_record(everything: Trained, tmp_path: Path) -> None:
    good = [everything.model, tmp_path / "other"]
    run("train", *everything.trained_into(good[1]), "--max-iter", 5)
    bodies, expected = [request(row) for row in rows(everything)], {}
    for model in good:
        score.init(["--model", str(model)])
        expected[models.read_facts(model)["digest"]] = [
            score.run(body).document["predictions"] for body in bodies
        ]
    served, disk = tmp_path / "served", tmp_path / "disk"
    shutil.copytree(good[0], served)
    disk.mkdir()
    words = ["--model", served, "--log", disk / "log", "--workers", 2, "--seconds", 2]
    with serving(tmp_path, *words, around=small_disk(disk)) as service:
        there = Path(f"/proc/{service.process.pid}/root{disk}")  # the disk is the service's alone
        state = tmp_path / "runs" / "serving" / str(service.port)
        clients = [Client(number, service, bodies, expected) for number in range(CLIENTS)]
        chaos = Chaos(service, state, served, there, good, lambda: sum(one.refused for one in clients))
        for client in clients:
            client.start()
        chaos.go_on()
        for client in clients:
            client.ended.set()
        for client in clients:
            client.join(60)
        counted = counts(service)
        kept = set(scored_parts.read(there / "log")["request_id"])
    acknowledged = {name for client in clients for name in client.acknowledged}
    refused, broken = sum(one.refused for one in clients), sum(one.broken for one in clients)
    print(f"{len(acknowledged)} acknowledged, {refused} refused, {broken} broken off, {chaos.happened}")
    assert [one for client in clients for one in client.wrong] == []
    assert len(acknowledged) > 50
    assert acknowledged - kept == set()
    assert counted['score_requests_total{status="500"}'] == 0
    # whoever was killed when it had refused has counted it, and nobody has heard it
    assert 0 < refused <= counted["score_log_failures_total"] <= refused + broken
    assert counted['score_errors_total{kind="log"}'] == counted["score_log_failures_total"]
    assert counted['score_models_refused_total{variant="champion"}'] >= 1
    assert set.union(*(client.digests for client in clients)) == set(expected)


def counts(service: Service) -> dict[str, float]:
    lines = service.asked("GET", "/metrics")[2].decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}
