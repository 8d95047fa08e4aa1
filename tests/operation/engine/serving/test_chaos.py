"""Everything at once: the model is replaced, workers are killed, clients hang, and no answer is wrong.

``WORKBENCH_CHAOS=60`` asks for a minute of it, and replaces the model too; test_serving does that alone.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.operation.engine.serving.running import Service, serving
from tests.src.requesting import request, rows
from tests.src.running import Trained

SECONDS = float(os.environ.get("WORKBENCH_CHAOS", "2"))
CLIENTS = 4

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")


class Client(threading.Thread):
    """Asks again and again, and remembers what was said."""

    def __init__(self, number: int, service: Service, bodies: list[str], expected: list[Any]) -> None:
        super().__init__(daemon=True)
        self.number, self.service, self.bodies, self.expected = number, service, bodies, expected
        self.ended = threading.Event()
        self.acknowledged: list[str] = []
        self.wrong: list[Any] = []
        self.broken = 0

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
            if answer.status == 200 and document["predictions"] == self.expected[row]:
                self.acknowledged.append(name)
            else:
                self.wrong.append((answer.status, document))


def test_no_wrong_answer_and_no_lost_record(everything: Trained, tmp_path: Path) -> None:
    import score
    import scored_parts

    score.init(["--model", str(everything.model)])
    bodies = [request(row) for row in rows(everything)]
    expected = [score.run(body).document["predictions"] for body in bodies]
    log = tmp_path / "log"
    with serving(
        tmp_path, "--model", everything.model, "--log", log, "--workers", 2, "--seconds", 2
    ) as service:
        clients = [Client(number, service, bodies, expected) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        killed = _disturb(service, tmp_path)
        for client in clients:
            client.ended.set()
        for client in clients:
            client.join(60)
        counted = service.asked("GET", "/metrics")[2].decode()
    acknowledged = {name for client in clients for name in client.acknowledged}
    broken = sum(client.broken for client in clients)
    print(f"{len(acknowledged)} acknowledged, {broken} connections broken, {killed} kills, and replacements")
    assert [one for client in clients for one in client.wrong] == []
    assert killed >= 1
    assert len(acknowledged) > 50
    assert 'score_requests_total{status="500"} 0' in counted
    assert "score_log_failures_total 0" in counted
    kept = set(scored_parts.read(log)["request_id"])
    assert acknowledged - kept == set()


def _disturb(service: Service, folder: Path) -> int:
    """Replace the model, kill workers and hang clients until the time is over; return the kills."""
    until, hanging, killed, round_ = time.monotonic() + SECONDS, [], 0, 0
    while time.monotonic() < until or not killed:
        time.sleep(min(SECONDS / 4, 2))
        client = socket.create_connection(("127.0.0.1", service.port))
        client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        hanging.append(client)
        if round_ % 5 == 1:
            killed += _kill_one(folder / "runs" / "serving" / str(service.port))
        if round_ % 5 == 4:
            service.process.send_signal(signal.SIGHUP)
        round_ += 1
    for client in hanging:
        client.close()
    return killed


def _kill_one(state: Path) -> int:
    """Kill the newest worker."""
    for file in sorted(state.glob("*.counters"), key=lambda one: one.stat().st_mtime, reverse=True):
        try:
            os.kill(int(file.stem), signal.SIGKILL)
        except ProcessLookupError:
            continue
        return 1
    return 0
