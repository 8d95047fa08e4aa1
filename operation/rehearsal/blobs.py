"""Storage accounts as folders: ``blobs/<account>/<container>/<path>`` are plain files."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

from operation.rehearsal import auth, shared_key
from operation.rehearsal.clock import now
from operation.rehearsal.http import Call, Refused, Reply, route
from operation.rehearsal.naming import blob_url

if TYPE_CHECKING:
    from operation.rehearsal.service import Service

_LOCK = threading.RLock()
_UNSAFE = '%<>:"|?*\\'  # what a file of Windows cannot hold in its name, and what stands for it
_YEAR = 365 * 86_400.0


def folder(service: Service, account: str, container: str) -> Path:
    """Return the folder of a container, made where it is missing."""
    found = service.folder / "blobs" / account.lower() / container
    found.mkdir(parents=True, exist_ok=True)
    return found


def file(service: Service, account: str, container: str, path: str) -> Path:
    """Return where a blob is, or would be.

    Raises
    ------
    Refused
        400, for a path that leads out of its container.
    """
    names = [part for part in path.split("/") if part not in ("", ".")]
    parts = ["".join(quote(letter) if letter in _UNSAFE else letter for letter in name) for name in names]
    if ".." in parts:
        raise Refused(400, "InvalidUri", f"the path {path} leads out of its container")
    return folder(service, account, container).joinpath(*parts)


def account_key(service: Service, account: str) -> str:
    """Return the key of a storage account, in base64."""
    return shared_key.account_key(service.secret, account)


def signed_url(service: Service, account: str, container: str, path: str) -> str:
    """Return an address of the blob that reads and writes without any other credential."""
    path = "/".join(part for part in path.split("/") if part not in ("", "."))  # as clients ask for it
    until = now(_YEAR)
    words = {"sv": "2019-07-07", "sr": "b", "sp": "racwd", "se": until}
    words["sig"] = _signature(service, account, container, path, until)
    return f"{blob_url(account, container, path)}?{urlencode(words)}"


def _signature(service: Service, account: str, container: str, path: str, until: str) -> str:
    return shared_key.address_signature(service.secret, account, container, path, until)


def _authorized(call: Call) -> None:
    """Let through a signed address, a request with the account's key, or one with a token."""
    sent = call.headers.get("authorization", "")
    if sent.startswith("SharedKey "):
        good = shared_key.same(sent.removeprefix("SharedKey "), _with_key(call))
    elif sent:
        auth.check(call.service.secret, sent)
        return
    else:
        until, path = call.query.get("se", ""), call.path.get("path", "")
        path = path if call.query.get("sr") == "b" else ""
        account, container = call.path["account"], call.path.get("container", "")
        right = _signature(call.service, account, container, path, until)
        good = shared_key.same(call.query.get("sig", ""), right) and until > now()
    if not good:
        said = "Server failed to authenticate the request: the signature is not that of the account's key."
        raise Refused(403, "AuthenticationFailed", said)


def _with_key(call: Call) -> str:
    account = call.path["account"]
    path = "/".join(["", *(call.path[name] for name in ("container", "path") if name in call.path)])
    key = account_key(call.service, account)
    right = shared_key.request_signature(
        key, call.method, account, path, query=call.query, headers=call.headers
    )
    return f"{account}:{right}"


def _file(call: Call) -> Path:
    _authorized(call)
    return file(call.service, call.path["account"], call.path["container"], call.path["path"])


def _there(call: Call) -> Path:
    found = _file(call)
    if not found.is_file():
        raise Refused(404, "BlobNotFound", "The specified blob does not exist.")
    return found


def _headers(found: Path) -> dict[str, str]:
    facts = found.stat()
    appended = _beside(found, "append").exists()
    return {
        "etag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"',
        "last-modified": formatdate(facts.st_mtime, usegmt=True),
        "x-ms-version": "2019-07-07",
        "x-ms-blob-type": "AppendBlob" if appended else "BlockBlob",
        "x-ms-request-server-encrypted": "true",
        "accept-ranges": "bytes",
    }


def _beside(found: Path, kind: str) -> Path:
    """Return where the service keeps what it must know of a blob, apart from what a person looks at."""
    root = next(parent for parent in found.parents if parent.name == "blobs")
    name = hashlib.sha256(found.relative_to(root).as_posix().encode()).hexdigest()[:32]
    return root.parent / "blob-facts" / f"{name}.{kind}"


def _put(call: Call) -> Reply:
    found, part = _file(call), call.query.get("comp", "")
    with _LOCK:
        if part == "block":
            _write(_beside(found, "blocks") / _plain(call.query["blockid"]), call.body)
            return Reply(b"", 201)
        if part == "blocklist":
            _commit(found, re.findall(r"<(?:Latest|Uncommitted|Committed)>([^<]+)<", call.body.decode()))
        elif part == "appendblock":
            return _append(found, call.body)
        elif not part:
            _new(call, found)
    return Reply(b"", 201 if found.exists() else 404, _headers(found) if found.exists() else {})


def _new(call: Call, found: Path) -> None:
    if call.headers.get("if-none-match") == "*" and found.exists():
        raise Refused(409, "BlobAlreadyExists", "The specified blob already exists.")
    source = call.headers.get("x-ms-copy-source")
    _write(found, _copied(call, source) if source else call.body)
    mark = _beside(found, "append")
    if call.headers.get("x-ms-blob-type") == "AppendBlob":
        _write(mark, b"")
    else:
        mark.unlink(missing_ok=True)


def _copied(call: Call, source: str) -> bytes:
    address = urlsplit(source)
    container, _, path = unquote(address.path).lstrip("/").partition("/")
    return file(call.service, address.netloc.split(".")[0], container, path).read_bytes()


def _plain(block: str) -> str:
    return hashlib.sha256(block.encode()).hexdigest()[:32]


def _commit(found: Path, blocks: list[str]) -> None:
    staged = _beside(found, "blocks")
    _write(found, b"".join((staged / _plain(block)).read_bytes() for block in blocks))
    shutil.rmtree(staged, ignore_errors=True)
    _beside(found, "append").unlink(missing_ok=True)


def _append(found: Path, data: bytes) -> Reply:
    before = found.stat().st_size if found.exists() else 0
    found.parent.mkdir(parents=True, exist_ok=True)
    with found.open("ab") as target:
        target.write(data)
    said = {"x-ms-blob-append-offset": str(before), "x-ms-blob-committed-block-count": "1"}
    return Reply(b"", 201, {**_headers(found), **said})


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_bytes(data)
    partial.replace(target)


def _get(call: Call) -> Reply:
    found = _there(call)
    headers = _headers(found)
    size = found.stat().st_size
    if call.method == "HEAD":
        return Reply(None, 200, {**headers, "content-length": str(size)})
    wanted = re.match(r"bytes=(\d+)-(\d*)", call.headers.get("x-ms-range") or call.headers.get("range", ""))
    if not wanted:
        return Reply(found.read_bytes(), 200, headers)
    first, last = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
    if first >= size:
        return Reply(b"", 416, {"x-ms-error-code": "InvalidRange", "content-range": f"bytes */{size}"})
    with found.open("rb") as source:
        source.seek(first)
        data = source.read(last - first + 1)
    return Reply(data, 206, {**headers, "content-range": f"bytes {first}-{last}/{size}"})


def _deleted(call: Call) -> Reply:
    _there(call).unlink()
    return Reply(b"", 202)


def _container(call: Call) -> Reply:
    _authorized(call)
    found = folder(call.service, call.path["account"], call.path["container"])
    if call.query.get("comp") == "list":
        return Reply(_listing(call, found), 200, {"content-type": "application/xml"})
    facts = {"etag": '"0x1"', "last-modified": formatdate(usegmt=True)}
    return Reply(b"", 201 if call.method == "PUT" else 200, facts)


def _listing(call: Call, found: Path) -> str:
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter")
    files = sorted(
        (unquote(path.relative_to(found).as_posix()), path) for path in found.rglob("*") if path.is_file()
    )
    entries: dict[str, None] = {}  # in order, and each folder once
    for name, path in files:
        below = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
        if name.startswith(prefix) and below[1]:
            folder = escape(prefix + below[0] + below[1])
            entries[f"<BlobPrefix><Name>{folder}</Name></BlobPrefix>"] = None
        elif name.startswith(prefix):
            entries[_entry(name, path)] = None
    head = f'<EnumerationResults ContainerName="{found.name}"><Prefix>{escape(prefix)}</Prefix>'
    body = f"<Blobs>{''.join(entries)}</Blobs><NextMarker/></EnumerationResults>"
    return f'<?xml version="1.0" encoding="utf-8"?>{head}{body}'


def _entry(name: str, path: Path) -> str:
    facts = _headers(path)
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>"
        f"<Last-Modified>{facts['last-modified']}</Last-Modified><Etag>{escape(facts['etag'])}</Etag>"
        f"<Content-Length>{path.stat().st_size}</Content-Length>"
        f"<Content-Type>application/octet-stream</Content-Type>"
        f"<BlobType>{facts['x-ms-blob-type']}</BlobType></Properties></Blob>"
    )


ROUTES = [
    route("GET HEAD PUT", "/blob/{account}/{container}", _container, public=True),
    route("PUT", "/blob/{account}/{container}/{path:path}", _put, public=True),
    route("GET HEAD", "/blob/{account}/{container}/{path:path}", _get, public=True),
    route("DELETE", "/blob/{account}/{container}/{path:path}", _deleted, public=True),
]
