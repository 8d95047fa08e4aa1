"""What stands in front of the inference server, in its own process: keys, limits, health, counters.

A WSGI application around the server's: no second process, no second parsing of HTTP. Requests to /score go to
the script's function that answers; what the server itself offers stays reachable behind the same key.
"""

from __future__ import annotations

import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import IO, Any, Protocol

from operation.engine.serving import metrics
from operation.engine.serving.counters import Counters, Models
from operation.engine.serving.deadlines import Deadlines

Environment = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]

JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
NO_KEY = "no key, or a wrong one: send the header Authorization: Bearer <key>"
NO_PAGE = "there is no such page: POST /score, GET /openapi.json, /health/live, /health/ready, /metrics"
STATUS_LINES = {one.value: f"{one.value} {one.phrase}" for one in HTTPStatus}


class Answer(Protocol):
    """What the script says to a request."""

    status: int
    request_id: str
    document: dict[str, Any]
    lost: bool

    def body(self) -> bytes:
        """Return the document as JSON."""


class Refused(Exception):
    """A request that the script never sees."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Front:
    """Answers requests around an inference server.

    Parameters
    ----------
    server : Application
        The inference server's own.
    answered : callable
        The script's: body, request id and key of the variant in, answer out.
    keys : iterable of str
        Any of them opens the service; without one it is open.
    most_bytes : int
        Of a request's body.
    seconds : float
        That a body may take to arrive.
    counters : Counters
        Where requests are counted.
    models : mapping of str to mapping
        name, version and digest of each variant, for the metrics.
    openapi : dict
        The document about the service.
    """

    def __init__(
        self,
        server: Application,
        answered: Callable[[bytes, str | None, str | None], Answer],
        *,
        keys: Iterable[str],
        most_bytes: int,
        seconds: float,
        counters: Counters,
        models: Models,
        openapi: dict[str, Any],
    ) -> None:
        self._server, self._answered = server, answered
        self._keys = [f"Bearer {key}".encode() for key in keys]
        self._most_bytes, self._seconds, self._deadlines = most_bytes, seconds, Deadlines(seconds)
        self._late = f"the request did not arrive within {seconds:g} s"
        self._counters = counters
        self._pages: dict[str, Callable[[], tuple[str, bytes]]] = {
            "/health/live": lambda: ("text/plain", b"live\n"),
            "/health/ready": lambda: ("text/plain", b"ready\n"),
            "/metrics": lambda: (TEXT, metrics.text(counters.folder, models).encode()),
            "/openapi.json": lambda: (JSON, json.dumps(openapi).encode()),
        }

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        path = environ["PATH_INFO"]
        if path == "/score":
            return self._score(environ, start_response)
        if not path.startswith("/health/") and not self._is_open(environ):
            return _refused(start_response, 401, environ, NO_KEY)
        page = self._pages.get(path)
        if page is None:
            return self._elsewhere(environ, start_response)
        kind, body = page()
        return _said(start_response, 200, None, kind, body)

    def late(self) -> bytes:
        """Count a request that did not arrive in time, and return what it is told."""
        self._counters.count(408, self._seconds)
        return _error(self._late, uuid.uuid4().hex)

    def _elsewhere(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ("/", "/swagger.json") and environ["REQUEST_METHOD"] == "GET":
            return self._server(environ, start_response)
        return _refused(start_response, 404, environ, NO_PAGE)

    def _score(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        try:
            answer = self._answered(
                self._body(environ), environ.get("HTTP_X_REQUEST_ID"), environ.get("HTTP_X_VARIANT_KEY")
            )
        except Refused as refused:
            self._counters.count(refused.status, time.perf_counter() - started)
            return _refused(start_response, refused.status, environ, str(refused))
        said = _said(start_response, answer.status, answer.request_id, JSON, answer.body())
        rows = len(answer.document.get("predictions", ()))
        self._counters.count(answer.status, time.perf_counter() - started, rows, lost=answer.lost)
        return said

    def _body(self, environ: Environment) -> bytes:
        """Return the request's body, once it may be read and is there.

        Raises
        ------
        Refused
            For a wrong method or key, and a body that is too long or comes too slowly.
        """
        if environ["REQUEST_METHOD"] != "POST":
            raise Refused(405, "send rows with POST")
        if not self._is_open(environ):
            raise Refused(401, NO_KEY)
        told = environ.get("CONTENT_LENGTH") or ""
        length = int(told) if told.isdecimal() else -1
        if length > self._most_bytes:
            raise Refused(413, f"{length} bytes are more than one request may have: {self._most_bytes}")
        connection = environ.get("gunicorn.socket")
        until = getattr(connection, "until", time.monotonic() + self._seconds)
        try:
            with self._deadlines.of(connection):
                return self._read(environ["wsgi.input"], length)
        except OSError:
            if time.monotonic() < until:
                raise Refused(400, "the request broke off") from None
            raise Refused(408, self._late) from None

    def _read(self, stream: IO[bytes], length: int) -> bytes:
        """Return the body: `length` bytes, or where that is not known all that come, up to the limit.

        Raises
        ------
        OSError
            When it ends too early.
        """
        pieces, there = [], 0
        most = self._most_bytes + 1 if length < 0 else length
        while there < most and (piece := stream.read(most - there)):
            pieces.append(piece)
            there += len(piece)
        if there > self._most_bytes:
            raise Refused(413, f"more bytes than one request may have: {self._most_bytes}")
        if there < length:
            raise ConnectionError
        return b"".join(pieces)

    def _is_open(self, environ: Environment) -> bool:
        if not self._keys:
            return True
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0  # all, in constant time


def _request_id(environ: Environment) -> str:
    given = environ.get("HTTP_X_REQUEST_ID", "")
    sound = given.isascii() and given.replace("-", "").replace("_", "").isalnum() and len(given) <= 100
    return given if sound else uuid.uuid4().hex


def _refused(start_response: StartResponse, status: int, environ: Environment, message: str) -> list[bytes]:
    request_id = _request_id(environ)
    return _said(start_response, status, request_id, JSON, _error(message, request_id))


def _error(message: str, request_id: str) -> bytes:
    return json.dumps({"error": {"message": message, "problems": []}, "request_id": request_id}).encode()


def _said(
    start_response: StartResponse, status: int, request_id: str | None, kind: str, body: bytes
) -> list[bytes]:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    if request_id is not None:
        headers.append(("x-request-id", request_id))
    if status == 401:
        headers.append(("WWW-Authenticate", "Bearer"))
    if status == 405:
        headers.append(("Allow", "POST"))
    start_response(STATUS_LINES[status], headers)
    return [body]
