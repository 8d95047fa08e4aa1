"""Signatures of storage accounts: of an address, and of a request with the account's key.

The form of the latter is Azure's "Authorize with Shared Key" for the blob service.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

_SIGNED = ["content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"]
_SIGNED += ["if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"]


def account_key(secret: bytes, account: str) -> str:
    """Return the key of a storage account, in base64."""
    return _sign(secret, f"account {account.lower()}")


def address_signature(secret: bytes, account: str, container: str, path: str, until: str) -> str:
    """Return the ``sig`` of an address that is good `until` then, for a blob or a whole container."""
    return _sign(secret, f"{account.lower()}/{container}/{path}\n{until}")


def request_signature(
    key: str, method: str, account: str, path: str, *, query: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """Return the signature that a request with the account's key carries."""
    fixed = [headers.get(name, "") for name in _SIGNED]
    if fixed[2] == "0":
        fixed[2] = ""
    named = sorted((name, value) for name, value in headers.items() if name.startswith("x-ms-"))
    lines = [method, *fixed, *(f"{name}:{value.strip()}" for name, value in named)]
    lines.append(f"/{account}{quote(path, safe='/()$=,~!*:@.-_')}")
    lines += [f"{name.lower()}:{value}" for name, value in sorted(query.items())]
    return _sign(base64.b64decode(key), "\n".join(lines))


def is_same(first: str, second: str) -> bool:
    """Return whether two signatures are the same, in a time that tells nothing."""
    return hmac.compare_digest(first.encode(), second.encode())


def _sign(key: bytes, text: str) -> str:
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
