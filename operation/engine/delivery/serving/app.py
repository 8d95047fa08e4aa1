"""The web application around ``src/score.py``: keys, limits, health, metrics; any ASGI server runs it."""

import asyncio
import hmac
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from operation.engine.delivery.serving.metrics import Metrics
from operation.engine.delivery.serving.openapi import document
from operation.engine.delivery.serving.settings import Settings

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
SMALL = 4_096  # bytes of a request that is answered at once: to hand it to a thread takes as long as its work
BAD_KEY = "Missing or invalid API key. Send the header Authorization: Bearer <key>"
NO_PAGE = "No such page. There is POST /score, GET /openapi.json, /health/live, /health/ready and /metrics"
UNREADY = "The scoring log cannot be written, and requests that are not logged are refused\n"


class HttpError(Exception):
    """A request that the scoring script never sees."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        self.status, self.headers = status, headers
        super().__init__(message)


@dataclass(frozen=True)
class Response:
    """What is sent to a client."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        """Send it as ASGI's messages."""
        fixed = {"content-type": self.content_type, "cache-control": "no-store"}
        named = {**fixed, "content-length": str(len(self.body)), **self.headers}
        headers = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class ScoringApp:
    """ASGI application of one process.

    Parameters
    ----------
    settings : Settings
        Keys and limits.
    script : module
        ``src/score.py`` after its ``init()``.
    metrics : Metrics
        Where requests are counted.
    """

    def __init__(self, settings: Settings, script: Any, metrics: Metrics) -> None:
        self._settings, self._script, self._metrics = settings, script, metrics
        self._keys = [f"Bearer {key}".encode() for key in settings.keys]
        self._pool = ThreadPoolExecutor(settings.threads, "score")
        self._pages: dict[str, Callable[[], Response]] = {
            "/": lambda: Response(200, b"Healthy", "text/plain"),
            "/metrics": lambda: Response(200, metrics.text(), metrics.content_type),
            "/openapi.json": self._openapi,
            "/health/live": lambda: Response(200, b"live\n", "text/plain"),
            "/health/ready": self._readiness,
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            if scope["path"] == "/score":
                response = await self._score(scope["method"], headers, receive)
            else:
                response = await self._page(scope["path"], headers)
        except HttpError as error:
            response = _error_response(error, _text(headers, b"x-request-id"))
        await response.send(send)

    async def _page(self, path: str, headers: dict[bytes, bytes]) -> Response:
        if not path.startswith("/health/"):
            self._check_key(headers)
        if path not in self._pages:
            raise HttpError(404, NO_PAGE)
        return await asyncio.get_running_loop().run_in_executor(None, self._pages[path])

    async def _score(self, method: str, headers: dict[bytes, bytes], receive: Receive) -> Response:
        started = time.perf_counter()
        try:
            body = await self._body(method, headers, receive)
        except HttpError as error:
            self._metrics.count(error.status, time.perf_counter() - started)
            raise
        arguments = body, _text(headers, b"x-request-id"), _text(headers, b"x-variant-key")
        if len(body) <= SMALL:
            answer, content = self._answer(*arguments)
        else:  # a large request must not keep the loop, and with it everybody else, waiting
            loop = asyncio.get_running_loop()
            answer, content = await loop.run_in_executor(self._pool, self._answer, *arguments)
        rows = len(answer.document.get("predictions", ()))
        self._metrics.count(answer.status, time.perf_counter() - started, rows, lost=answer.lost)
        return Response(answer.status, content, headers={"x-request-id": answer.request_id})

    def _answer(self, body: bytes, request_id: str | None, key: str | None) -> tuple[Any, bytes]:
        """Return the script's answer and its JSON."""
        answer = self._script.answered(body, request_id, key)
        return answer, answer.body()

    async def _body(self, method: str, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Return the request's body; a key that is wrong or a length that is too large is refused unread."""
        if method != "POST":
            raise HttpError(405, "Send rows with POST", allow="POST")
        self._check_key(headers)
        most, seconds = self._settings.most_bytes, self._settings.seconds
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            raise HttpError(413, f"The request has {int(length)} bytes; at most {most} are allowed")
        try:
            async with asyncio.timeout(seconds):
                return await _read(receive, most)
        except TimeoutError:
            # what is still to come of it must not be taken for the next request
            raise HttpError(
                408, f"The request did not arrive within {seconds:g} s", connection="close"
            ) from None

    def _check_key(self, headers: dict[bytes, bytes]) -> None:
        header = headers.get(b"authorization", b"")
        # each is compared, in constant time
        if self._keys and not sum(hmac.compare_digest(header, key) for key in self._keys):
            raise HttpError(401, BAD_KEY, **{"www-authenticate": "Bearer"})

    def _readiness(self) -> Response:
        if self._script.can_log():
            return Response(200, b"ready\n", "text/plain")
        return Response(503, UNREADY.encode(), "text/plain")

    def _openapi(self) -> Response:
        scorer = self._script.ready()
        version, most_rows = scorer.identity["version"], scorer.reader.most_rows
        facts, may_lack = scorer.model.facts, scorer.reader.may_lack
        described = document(
            facts, version, needs_key=bool(self._keys), most_rows=most_rows, may_lack=may_lack
        )
        return Response(200, json.dumps(described).encode())


async def _read(receive: Receive, most: int) -> bytes:
    """Return the body that arrives; an HttpError 400 where it breaks off, 413 for more than `most` bytes."""
    pieces, size, message = list[bytes](), 0, Message(more_body=True)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpError(400, "The request broke off")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise HttpError(413, f"The request has more than the {most} bytes allowed", connection="close")
    return b"".join(pieces)


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None


def _error_response(error: HttpError, request_id: str | None) -> Response:
    name = request_id if request_id and REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex
    document = {"error": {"message": str(error), "problems": []}, "request_id": name}
    headers = {**error.headers, "x-request-id": name}
    return Response(error.status, json.dumps(document).encode(), headers=headers)
