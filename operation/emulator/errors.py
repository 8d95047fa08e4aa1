"""Errors as Azure writes them: refusals, calls that nothing answers, and defects."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from operation.emulator.state import shaped


class HttpError(Exception):
    """The call cannot be answered; becomes Azure's error document.

    The status is 400 to 499: the SDK repeats a call for minutes when it meets a 5xx.
    """

    def __init__(self, message: str, code: str = "UserError", status: int = 400) -> None:
        super().__init__(message)
        self.message, self.code, self.status = message, code, status


async def refusal(request: Request, error: Exception) -> Response:
    """Return the error document of what was refused."""
    if not isinstance(error, HttpError):
        raise TypeError("only what was refused is answered here") from error
    of_pipelines = request.url.path.lower().startswith("/pipelines/")
    kind = "refusal of pipelines" if of_pipelines else "refusal"
    facts = {"code": error.code, "message": error.message}
    document = shaped(kind, **facts, status=error.status, error=shaped("error", **facts))
    return JSONResponse(document, error.status, {"x-ms-error-code": error.code})


async def unknown(request: Request, _: Exception) -> Response:
    """Return what is answered where no route fits."""
    message = f"The emulator does not answer {request.method} {request.url.path}"
    return await refusal(request, HttpError(message, "RouteNotFound", 404))


async def occupied(request: Request, error: Exception) -> Response:
    """Return what is answered where a file is to be a folder too: blobs are plain files here."""
    message = f"A name is either a file or a folder in the emulator: {error}"
    return await refusal(request, HttpError(message, "ResourceTypeMismatch", 409))


async def defect(request: Request, error: Exception) -> Response:
    """Return what is answered where the service is at fault; the framework has its log say where."""
    what = f"{type(error).__name__}: {error} ({request.method} {request.url.path})"
    message = f"The emulator failed (traceback in its log): {what}"
    return await refusal(request, HttpError(message, "EmulatorDefect"))
