"""HTTP with the standard library: MLflow's variables say who asks and which certificates hold."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from operation.engine.foundation.errors import StepFailed

SECONDS = 30.0  # without a byte before a request is given up
PIECE = 1_000_000  # bytes
BUSY = (429, 502, 503, 504)


class Unreachable(StepFailed):
    """No response now; later perhaps."""


class RequestFailed(StepFailed):
    """The server refused; `status` is its HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Web:
    """Sends requests with the credentials of the environment.

    Parameters
    ----------
    environment : mapping of str to str
        MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD;
        MLFLOW_TRACKING_SERVER_CERT_PATH, a file of certificates.
    signed : bool, default False
        Whether the credentials are sent at all: they are a registry's, and nobody else's.
    """

    def __init__(self, environment: Mapping[str, str], *, signed: bool = False) -> None:
        self._environment, self._signed = environment, signed
        certificates = environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None
        try:
            self._context = ssl.create_default_context(cafile=certificates)
        except OSError as error:
            raise StepFailed(
                f"MLFLOW_TRACKING_SERVER_CERT_PATH: cannot read {certificates}: {error}"
            ) from error

    def document(self, url: str) -> dict[str, Any]:
        """Return the JSON object behind `url`; raises as `pieces` does, and a StepFailed where it is none."""
        try:
            document = json.loads(b"".join(self.pieces(url)))
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise StepFailed(f"{without_secrets(url)} answers, but not as an MLflow tracking server does")
        return document

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield what is behind `url`, piece by piece.

        Raises
        ------
        Unreachable
            When there is no response, the server is busy, or the response breaks off.
        RequestFailed
            When the server refuses.
        """
        with _explained(url):
            response = urllib.request.urlopen(self._request(url), timeout=SECONDS, context=self._context)  # noqa: S310
        with response:
            received = 0
            while piece := self._read(url, response):
                received += len(piece)
                yield piece
        length = response.headers.get("Content-Length")
        if length and received < int(length):
            raise Unreachable(f"{without_secrets(url)} broke off after {received} of {length} bytes")

    def _read(self, url: str, response: http.client.HTTPResponse) -> bytes:
        with _explained(url):
            return response.read(PIECE)

    def _request(self, url: str) -> urllib.request.Request:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise StepFailed(f"{without_secrets(url)} does not begin with http:// or https://")
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        request = urllib.request.Request(urlunsplit(bare))  # noqa: S310 - the scheme was looked at
        credentials = self._credentials(parts.username, parts.password)
        if credentials:
            request.add_unredirected_header("Authorization", credentials)  # of this server, and no other
        return request

    def _credentials(self, username: str | None, password: str | None) -> str | None:
        name, secret = unquote(username or ""), unquote(password or "")
        if self._signed:
            if token := self._environment.get("MLFLOW_TRACKING_TOKEN"):
                return f"Bearer {token}"
            name = name or self._environment.get("MLFLOW_TRACKING_USERNAME", "")
            secret = secret or self._environment.get("MLFLOW_TRACKING_PASSWORD", "")
        return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}" if name else None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what goes wrong on the way into one message."""
    try:
        yield
    except urllib.error.HTTPError as error:
        message = f"{without_secrets(url)} answers {error.code} {error.reason}{_mlflow_message(error)}"
        if error.code in BUSY:
            raise Unreachable(message) from None
        raise RequestFailed(message, error.code) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        kind = StepFailed if isinstance(reason, ssl.SSLError) else Unreachable
        raise kind(f"{without_secrets(url)} does not answer: {reason}") from None


def without_secrets(url: str) -> str:
    """Return `url` as a message may show it: without a password or signature."""
    if not url.startswith(("http://", "https://")):
        return url
    parts = urlsplit(url)
    query = "?..." if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")) + query


def _mlflow_message(error: urllib.error.HTTPError) -> str:
    try:
        message = json.loads(error.read(10_000))["message"]
    except (ValueError, KeyError, TypeError, OSError):
        return ""
    return f": {str(message)[:300]}"
