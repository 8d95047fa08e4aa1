"""The face between a concern and the web framework: a call comes in, a reply goes out."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from operation.rehearsal.clock import now

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import State

WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
)


_LOG = logging.getLogger("uvicorn.error")


class Refused(Exception):
    """The call cannot be answered; becomes Azure's error document.

    Parameters
    ----------
    status : int
        HTTP status, 400 to 499: the SDK repeats a call for minutes when it meets a 5xx.
    code : str
        Azure's word for it, such as ``UserError`` or ``ResourceNotFound``.
    message : str
        What a person reads.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Reply:
    """An answer with more to say than its document.

    Parameters
    ----------
    content : object
        A dictionary or list becomes JSON, bytes and text go out as they are, a path as its file.
    status : int
        HTTP status.
    headers : Mapping[str, str]
        Headers beside those that the content gives.
    """

    content: object = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request, read whole.

    Parameters
    ----------
    method : str
        The verb, upper case.
    path : dict[str, str]
        What stood in the route's braces, decoded.
    query : Mapping[str, str]
        The query's last value of each name.
    headers : Mapping[str, str]
        Header names in lower case.
    body : bytes
        The body as it came.
    service : Service
        The service that was called.
    """

    method: str
    path: dict[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    service: Service

    @property
    def json(self) -> Any:
        """Return the body's document; None when there is no body.

        Raises
        ------
        Refused
            400, when the body is not JSON.
        """
        if not self.body:
            return None
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(400, "BadRequest", f"the body is not JSON: {error}") from error

    def files(self) -> dict[str, bytes]:
        """Return the parts of a multipart body by file name, or by field name where there is none.

        Raises
        ------
        Refused
            400, when the body is not multipart.
        """
        head = f"Content-Type: {self.headers.get('content-type', '')}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        if not message.is_multipart():
            raise Refused(400, "BadRequest", "the body is not multipart")
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
    def state(self) -> State:
        """Return the state of this call's workspace."""
        return self.service.state(self.workspace)


def route(methods: str, path: str, answer: Callable[[Call], object], *, public: bool = False) -> Route:
    """Return the route that gives calls to `answer`, which runs in a worker thread.

    Parameters
    ----------
    methods : str
        Verbs with a blank between them: ``"GET POST"``.
    path : str
        Starlette's path; fixed words match in any case. A call to ``{account}.{kind}.<suffix>``
        arrives as ``/{kind}/{account}/...``: blobs at ``/blob/``, secrets at ``/vault/``.
    answer : Callable[[Call], object]
        Gives a `Reply`, or a document for a reply with status 200.
    public : bool
        Whether the call needs no token.
    """

    async def endpoint(request: Request) -> Response:
        service: Service = request.app.state.service
        call = Call(
            method=request.method,
            path=dict(request.path_params),
            query=request.query_params,
            headers=request.headers,
            body=await request.body(),
            service=service,
        )
        try:
            if not public:
                service.authorize(call)
            answered = await run_in_threadpool(answer, call)
        except Refused as refused:
            return refusal(refused)
        except Exception as error:  # noqa: BLE001 - the SDK repeats a call for minutes when it meets a 5xx
            _LOG.exception("a defect in answering %s %s", request.method, request.url.path)
            what = f"{type(error).__name__}: {error} ({request.method} {request.url.path})"
            said = f"a defect of the rehearsal, told in its log: {what}"
            return refusal(Refused(400, "RehearsalDefect", said))
        return response(answered if isinstance(answered, Reply) else Reply(answered), call.method)

    made = Route(path, endpoint, methods=methods.split())
    made.path_regex = re.compile(made.path_regex.pattern, re.IGNORECASE)
    return made


def response(reply: Reply, method: str = "GET") -> Response:
    """Return `reply` as the framework's response."""
    content, headers = reply.content, dict(reply.headers)
    if isinstance(content, Path):
        return FileResponse(content, reply.status, headers)
    if isinstance(content, bytes | str):
        return Response(content, reply.status, headers)
    if content is None and (reply.status != HTTPStatus.OK or method == "HEAD"):
        return Response(None, reply.status, headers)
    return JSONResponse(content, reply.status, headers)


def refusal(refused: Refused) -> Response:
    """Return Azure's error document."""
    error: dict[str, Any] = {
        "code": refused.code,
        "severity": None,
        "message": refused.message,
        "messageFormat": None,
        "messageParameters": {},
        "referenceCode": None,
        "detailsUri": None,
        "target": None,
        "details": [],
        "innerError": {"code": refused.code, "innerError": None},
        "debugInfo": None,
    }
    document = {
        "error": error,
        "correlation": {},
        "environment": "rehearsal",
        "location": "loopback",
        "time": now(),
        # model management has the same facts under names of its own
        "statusCode": refused.status,
        "code": refused.code,
        "error_code": refused.code,  # so MLflow's client names it
        "message": refused.message,
        "details": [],
    }
    return JSONResponse(document, refused.status, {"x-ms-error-code": refused.code})
