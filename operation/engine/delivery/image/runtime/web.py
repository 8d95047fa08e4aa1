"""Asking over HTTP with the standard library: MLflow's variables for who asks and which certificates hold."""

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

SECONDS = 30.0  # that nothing may come
PIECE = 1_000_000  # bytes
BUSY = (429, 502, 503, 504)


class Unreachable(StepFailed):
    """Nobody answers there now; later perhaps."""


class NotThere(StepFailed):
    """What was asked for is not there."""


class Refused(StepFailed):
    """The request is wrong."""


class Web:
    """Asks with the credentials of the environment.

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
        """Return the JSON behind `url`.

        Raises
        ------
        Unreachable, NotThere, StepFailed
            When there is none.
        """
        try:
            document = json.loads(b"".join(self.pieces(url)))
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise StepFailed(f"{shown(url)} answers, but not as an MLflow tracking server does")
        return document

    def pieces(self, url: str) -> Iterator[bytes]:
        """Yield what is behind `url`, piece by piece.

        Raises
        ------
        Unreachable
            When nobody answers, says that it cannot now, or breaks off.
        NotThere
            When it is not there.
        StepFailed
            When it is refused.
        """
        with _explained(url):
            answer = urllib.request.urlopen(self._request(url), timeout=SECONDS, context=self._context)  # noqa: S310
        with answer:
            there = 0
            while piece := self._read(url, answer):
                there += len(piece)
                yield piece
        told = answer.headers.get("Content-Length")
        if told and there < int(told):
            raise Unreachable(f"{shown(url)} broke off after {there} of {told} bytes")

    def _read(self, url: str, answer: http.client.HTTPResponse) -> bytes:
        with _explained(url):
            return answer.read(PIECE)

    def _request(self, url: str) -> urllib.request.Request:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise StepFailed(f"{shown(url)} is not a place that is asked with http:// or https://")
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
    """Make one message of what goes wrong on the way."""
    try:
        yield
    except urllib.error.HTTPError as error:
        told = f"{shown(url)} answers {error.code} {error.reason}{_said(error)}"
        raise _kind(error.code)(told) from None
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        kind = StepFailed if isinstance(reason, ssl.SSLError) else Unreachable
        raise kind(f"{shown(url)} does not answer: {reason}") from None


def _kind(status: int) -> type[StepFailed]:
    if status in BUSY:
        return Unreachable
    return {400: Refused, 404: NotThere}.get(status, StepFailed)


def shown(url: str) -> str:
    """Return `url` as a message may show it: without a password or signature."""
    if not url.startswith(("http://", "https://")):
        return url
    parts = urlsplit(url)
    query = "?..." if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")) + query


def _said(error: urllib.error.HTTPError) -> str:
    """Return what MLflow says about a refusal."""
    try:
        message = json.loads(error.read(10_000))["message"]
    except (ValueError, KeyError, TypeError, OSError):
        return ""
    return f": {str(message)[:300]}"
