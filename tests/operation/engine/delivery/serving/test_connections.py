"""Connections as they come: slow, hung, many requests at once, large ones, and those that end."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from tests.operation.engine.delivery.serving.running import PATIENCE, Service
from tests.src.requesting import request, rows
from tests.src.running import Trained

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
SECONDS = 2  # that the service gives a request to arrive
ATTEMPTS = 5  # of which one must be quick: a service that waits is slow in each, a busy machine now and then
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3})")


@contextmanager
def client(service: Service, patience: float = 20) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=patience) as connected:
        yield connected


def head(service: Service, *lines: str, version: str = "1.1") -> bytes:
    told = [f"POST /score HTTP/{version}", "Host: x", f"Authorization: Bearer {service.key}", *lines]
    return "\r\n".join([*told, "", ""]).encode()


def whole(service: Service, body: str, *lines: str, version: str = "1.1") -> bytes:
    return head(service, f"Content-Length: {len(body)}", *lines, version=version) + body.encode()


def until_closed(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_head_that_comes_byte_by_byte_has_a_limit(service: Service) -> None:
    with client(service, 0.2) as connected:
        started, is_open = time.monotonic(), True
        while is_open and time.monotonic() - started < PATIENCE:
            try:
                connected.sendall(b"P")
                is_open = connected.recv(65536) != b""
            except TimeoutError:
                continue
            except OSError:
                is_open = False
        assert not is_open
        assert time.monotonic() - started > SECONDS - 0.5


@pytest.mark.parametrize("part", ["body", "large body", "chunks"])
def test_a_body_that_comes_byte_by_byte_has_a_limit(part: str, service: Service) -> None:
    beginnings = {
        "body": head(service, "Content-Length: 1000"),
        "large body": head(service, "Content-Length: 99000") + b" " * 66_000,
        "chunks": head(service, "Transfer-Encoding: chunked"),
    }
    trickled = b"1\r\n \r\n" if part == "chunks" else b" "
    with client(service, 0.2) as connected:
        started, answer = time.monotonic(), b""
        connected.sendall(beginnings[part])
        while not answer and time.monotonic() - started < PATIENCE:
            with suppress(TimeoutError):
                connected.sendall(trickled)
                answer = connected.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout"), answer
        message = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
        assert message == f"The request did not arrive within {SECONDS} s"
        assert time.monotonic() - started > SECONDS - 0.5


def test_more_clients_hang_than_there_are_threads_and_nobody_waits(
    service: Service, everything: Trained
) -> None:
    body = request(rows(everything)[0])

    def beside_hanging() -> bool:
        with ExitStack() as hanging:
            for number in range(40):
                connected = hanging.enter_context(client(service))
                begun = head(service, "Content-Length: 9")[: 20 + number * 3]
                connected.sendall(b"" if number % 3 == 0 else begun)
            started = time.monotonic()
            assert service.scored(body)[0] == 200
            return time.monotonic() - started < SECONDS

    assert any(beside_hanging() for _ in range(ATTEMPTS))
    assert [service.scored(body)[0] for _ in range(20)] == [200] * 20


def test_requests_that_come_at_once_are_answered_in_their_order(
    service: Service, everything: Trained
) -> None:
    sent = rows(everything)
    few, many = request(sent[0]), request(*sent[:50])
    assert len(few) < 4096 < len(many)
    with client(service) as connected:
        parts = [few, many, "{", few]
        names = [f"x-request-id: r{place}" for place in range(len(parts))]
        names[-1] += "\r\nConnection: close"
        connected.sendall(b"".join(map(partial(whole, service), parts, names)))
        answer = until_closed(connected)
    assert ANSWER.findall(answer) == [b"200", b"200", b"400", b"200"]
    assert re.findall(rb'"request_id": "(r\d)"', answer) == [b"r0", b"r1", b"r2", b"r3"]


def test_a_request_that_comes_in_pieces(service: Service, everything: Trained) -> None:
    text = whole(service, request(rows(everything)[0]), "Connection: close")
    with client(service) as connected:
        for place in range(0, len(text), 97):
            connected.sendall(text[place : place + 97])
            time.sleep(0.001)
        assert until_closed(connected).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(service: Service, everything: Trained) -> None:
    body = request(rows(everything)[0])
    with client(service) as connected:
        connected.sendall(head(service, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert connected.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connected.sendall(body.encode())
        assert connected.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_an_old_client_reads_until_the_end(service: Service, everything: Trained) -> None:
    with client(service) as connected:
        connected.sendall(whole(service, request(rows(everything)[0]), version="1.0"))
        answer = until_closed(connected)
    assert answer.startswith(b"HTTP/1.0 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["predictions"]


def test_a_request_that_breaks_off_is_told_so(service: Service) -> None:
    with client(service) as connected:
        connected.sendall(head(service, "Content-Length: 9") + b"{")
        connected.shutdown(socket.SHUT_WR)
        answer = until_closed(connected)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"] == "The request broke off"


def test_a_head_without_an_end_is_refused(service: Service) -> None:
    with client(service) as connected:
        connected.sendall(b"GET / HTTP/1.1\r\n" + b"x-a: b\r\n" * 9000)
        assert until_closed(connected).startswith(b"HTTP/1.1 431 Request Header Fields Too Large")


def test_whoever_does_not_read_the_answer_keeps_nobody_waiting(service: Service) -> None:
    # every row lacks every column: an answer of megabytes to a request of kilobytes
    wrong = '{"data": [' + ",".join(["{}"] * 50) + "]}"

    def beside_deaf() -> bool:
        with client(service) as connected:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(400):
                try:
                    connected.settimeout(0.2)
                    connected.sendall(whole(service, wrong))
                except OSError:
                    break
            started = time.monotonic()
            assert service.asked("GET", "/health/ready")[0] == 200
            return time.monotonic() - started < SECONDS

    assert any(beside_deaf() for _ in range(ATTEMPTS))
