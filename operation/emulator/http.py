"""Between a concern and the web framework: a request, read whole, comes in, an answer goes out."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from operation.emulator import tokens
from operation.emulator.errors import HttpError
from operation.emulator.service import Service
from operation.emulator.state import Document, State

__all__ = ["Call", "HttpError", "Reply", "known", "listed", "lowered", "nothing", "route"]

GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{{workspace}}"


@dataclass(frozen=True)
class Reply:
    """An answer with more to say than its document: bytes and text go out as they are, all else as JSON."""

    content: object = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


class Body(Document):
    """A document that a client sent."""

    def __missing__(self, name: str) -> Any:
        raise HttpError(f"The body has no field {name!r}", "BadRequest")


@dataclass(frozen=True)
class Call:
    """One request, read whole."""

    method: str
    path: dict[str, str]  # what stood in the route's braces, decoded
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    service: Service
    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """Return the body's document; an empty one when there is no body."""
        try:
            return json.loads(self.body or "{}", object_hook=Body)
        except ValueError as error:
            raise HttpError(f"The body is not JSON: {error}", "BadRequest") from error

    @property
    def parameters(self) -> Document:
        """Return what the call says, in its query or its body."""
        fields = self.json
        if not isinstance(fields, dict):
            raise HttpError("The body must be a JSON object", "BadRequest")
        return Body({**self.query, **fields})

    def files(self) -> dict[str, bytes]:
        """Return the parts of a multipart body by file name, or by field name where there is none."""
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        if not message.is_multipart():
            raise HttpError("the body is not multipart", "BadRequest")
        parts = [part for part in message.walk() if not part.is_multipart()]
        named = (
            (part.get_filename() or part.get_param("name", "", "content-disposition"), part) for part in parts
        )
        return {str(name): bytes(part.get_payload(decode=True) or b"") for name, part in named}

    @property
    def workspace(self) -> str:
        """Return the name of the workspace that this call is about."""
        return self.path["workspace"]

    @property
    def resource(self) -> str:
        """Return the workspace's resource id, as the caller wrote it."""
        return WORKSPACE.format_map(self.path)

    @property
    def state(self) -> State:
        """Return the state of this call's workspace."""
        return self.service.state(self.workspace)

    def says(self, name: str) -> bool:
        """Return whether the query says that `name` is true."""
        return self.query.get(name, "").lower() == "true"


class ServiceRoute(Route):
    """A route that gives calls to `answer`, in a worker thread.

    Fixed words of its path match in any case. A call to ``{account}.{kind}.<suffix>`` arrives as
    ``/{kind}/{account}/...``. A call needs a token of the service, but for a route that is `public`.
    """

    def __init__(self, methods: str, path: str, answer: Callable[[Call], object], public: bool) -> None:
        super().__init__(path, self._answered, methods=methods.split())
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)
        self.answer, self.public = answer, public

    async def _answered(self, request: Request) -> Response:
        service: Service = request.app.state.service
        if not self.public:
            tokens.check(service.secret, request.headers.get("authorization", ""))
        sent = request.query_params, request.headers, await request.body()
        call = Call(request.method, dict(request.path_params), *sent, service, request.cookies)
        answered = await run_in_threadpool(self.answer, call)
        return response(answered if isinstance(answered, Reply) else Reply(answered), call.method)


def route(methods: str, path: str, answer: Callable[[Call], object], *, public: bool = False) -> ServiceRoute:
    """Return the route that gives calls to `answer`; `methods` have a blank between them."""
    return ServiceRoute(methods, path, answer, public)


def response(reply: Reply, method: str = "GET") -> Response:
    """Return `reply` as the framework's response."""
    content, headers = reply.content, dict(reply.headers)
    if content is None and (reply.status != HTTPStatus.OK or method == "HEAD"):
        content = b""
    if isinstance(content, bytes | str):
        return Response(content, reply.status, headers)
    return JSONResponse(content, reply.status, headers)


def known(state: State, kind: str, name: str, message: str, code: str = "UserError") -> Document:
    """Return the document; raise `HttpError` 404 with `message` where there is none."""
    document = state.get(kind, name)
    if document is None:
        raise HttpError(message, code, 404)
    return document


def listed(documents: Iterable[Document], link: str = "continuationToken") -> Document:
    """Return a list that fits on one page, and under `link` that there is no other."""
    return {"value": list(documents), link: None}


def lowered(document: Any) -> Any:
    """Return `document` with names that start lower: some of the SDK's writers begin them with a capital."""
    if isinstance(document, dict):
        return {key[:1].lower() + key[1:]: value for key, value in document.items()}
    return document


def nothing(_: Call) -> Document:
    """Answer with an empty document."""
    return {}
