"""Tokens and secrets of the service: kept beside its certificate, readable by their owner alone."""

import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

import jwt
from jwt.types import Options

from operation.emulator.errors import HttpError

TENANT = "22222222-2222-2222-2222-222222222222"
CLIENT = "55555555-5555-5555-5555-555555555555"
PERSON = "44444444-4444-4444-4444-444444444444"
LIMITED = ("pages", "web service ")  # audiences whose tokens open nothing else
_NOT_OURS = "InvalidAuthenticationToken"


def signing_key(folder: Path) -> bytes:
    """Return what tokens are signed with: kept, so that they outlive a restart of the service."""
    file = folder / "certificates" / "token.key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # created with these rights: there is no moment at which somebody else could read it
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
            out.write(secrets.token_bytes(32))
    return file.read_bytes()


def client_secret(key: bytes) -> str:
    """Return what a client shows to get a token: whoever may read the key knows it."""
    return hmac.new(key, b"client secret", hashlib.sha256).hexdigest()


def is_client_secret(key: bytes, secret: str) -> bool:
    """Return whether `secret` is the client secret, in a time that tells nothing."""
    return hmac.compare_digest(secret.encode(), client_secret(key).encode())


def token(key: bytes, audience: str, seconds: int, issuer: str) -> str:
    """Return a signed token that is good for `seconds`."""
    at = int(time.time())
    who = {"tid": TENANT, "oid": PERSON, "appid": CLIENT, "upn": "emulator"}
    claims = {"aud": audience, "iss": issuer, **who, "iat": at, "nbf": at, "exp": at + seconds}
    return jwt.encode(claims, key, "HS256")


def check(key: bytes, header: str, audience: str = "") -> None:
    """Raise `HttpError` 401 unless `header` carries a token signed with `key` that has not expired.

    Tokens of pages and of web services open those alone: `audience` says which one this is.
    """
    kind, _, text = header.partition(" ")
    if kind.lower() != "bearer" or text.count(".") != 2:
        raise HttpError("Missing token. Send `Authorization: Bearer <token>`.", _NOT_OURS, 401)
    try:  # the audience does not matter, and what has expired is said below
        options: Options = {"verify_aud": False, "verify_exp": False, "require": ["exp"]}
        claims = jwt.decode(text, key, ["HS256"], options=options)
    except jwt.InvalidTokenError:
        raise HttpError("Invalid token: another service issued it", _NOT_OURS, 401) from None
    limited = str(claims.get("aud", "")).startswith(LIMITED)
    if limited and claims["aud"] != audience:
        raise HttpError(f"Invalid token: it opens only {claims['aud']}", _NOT_OURS, 401)
    expired = time.time() - claims["exp"]
    if expired >= 0:
        raise HttpError(f"The token expired {expired:.0f} s ago", "ExpiredAuthenticationToken", 401)
