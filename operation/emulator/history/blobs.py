"""Storage accounts as folders: ``blobs/<account>/<container>/<path>`` are plain files."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

from operation.emulator import tokens
from operation.emulator.access import shared_key
from operation.emulator.history.blob_files import BlobFile
from operation.emulator.hosts import blob_url
from operation.emulator.http import Call, HttpError, Reply, route
from operation.emulator.paths import file_name, inside
from operation.emulator.service import Service
from operation.emulator.state import now

_UNSAFE = '%<>:"|?*\\'  # what a file of Windows cannot hold in its name, and what stands for it
_YEAR = 365 * 86_400.0


def folder(service: Service, account: str, container: str) -> Path:
    """Return the folder of a container, made where it is missing."""
    names = file_name(account.lower(), "a storage account"), file_name(container, "a container")
    container_folder = service.folder.joinpath("blobs", *names)
    container_folder.mkdir(parents=True, exist_ok=True)
    return container_folder


def file(service: Service, account: str, container: str, path: str) -> Path:
    """Return where a blob is, or would be; refuse a path that leads out of its container."""
    encoded = "".join(quote(letter) if letter in _UNSAFE else letter for letter in path.lstrip("/"))
    return inside(folder(service, account, container), encoded, "its container")


def account_key(service: Service, account: str) -> str:
    """Return the key of a storage account, in base64."""
    return shared_key.account_key(service.secret, account)


def signed_url(service: Service, account: str, container: str, path: str) -> str:
    """Return an address of the blob that reads and writes without any other credential."""
    path = "/".join(part for part in path.split("/") if part not in ("", "."))  # as clients ask for it
    until = now(_YEAR)
    query = {"sv": "2019-07-07", "sr": "b", "sp": "racwd", "se": until}
    query["sig"] = _signature(service, account, container, path, until)
    return f"{blob_url(account, container, path)}?{urlencode(query)}"


def _signature(service: Service, account: str, container: str, path: str, until: str) -> str:
    return shared_key.address_signature(service.secret, account, container, path, until)


def _authorized(call: Call) -> None:
    """Let through a signed address, a request with the account's key, or one with a token."""
    sent = call.headers.get("authorization", "")
    if sent.startswith("SharedKey "):
        good = shared_key.is_same(sent.removeprefix("SharedKey "), _with_key(call))
    elif sent:
        tokens.check(call.service.secret, sent)
        return
    else:
        parts = [call.path.get(name, "") for name in ("account", "container", "path")]
        good = _is_signed(call.service, parts, call.query)
    if not good:
        message = "Server failed to authenticate the request: the signature is not that of the account's key."
        raise HttpError(message, "AuthenticationFailed", 403)


def _is_signed(service: Service, parts: list[str], query: Mapping[str, str]) -> bool:
    account, container, path = parts
    until = query.get("se", "")
    right = _signature(service, account, container, path if query.get("sr") == "b" else "", until)
    return shared_key.is_same(query.get("sig", ""), right) and until > now()


def _with_key(call: Call) -> str:
    account = call.path["account"]
    path = "/".join(["", *(call.path[name] for name in ("container", "path") if name in call.path)])
    key = account_key(call.service, account)
    right = shared_key.request_signature(
        key, call.method, account, path, query=call.query, headers=call.headers
    )
    return f"{account}:{right}"


def _blob(call: Call) -> BlobFile:
    _authorized(call)
    path = file(call.service, call.path["account"], call.path["container"], call.path["path"])
    return BlobFile(call.service.folder, path)


def _there(call: Call) -> BlobFile:
    blob = _blob(call)
    if not blob.path.is_file():
        raise HttpError("The specified blob does not exist.", "BlobNotFound", 404)
    return blob


def _put(call: Call) -> Reply:
    blob, part = _blob(call), call.query.get("comp", "")
    if part == "block":
        blob.stage(call.query["blockid"], call.body)
        return Reply(b"", 201)
    if part == "appendblock":
        appended = {
            "x-ms-blob-append-offset": str(blob.append(call.body)),
            "x-ms-blob-committed-block-count": "1",
        }
        return Reply(b"", 201, {**blob.headers(), **appended})
    if part == "blocklist":
        blob.commit(re.findall(r"<(?:Latest|Uncommitted|Committed)>([^<]+)<", call.body.decode()))
    elif not part:
        _new(call, blob)
    elif not blob.path.exists():  # metadata or properties of nothing
        raise HttpError("The specified blob does not exist.", "BlobNotFound", 404)
    return Reply(b"", 201, blob.headers())


def _new(call: Call, blob: BlobFile) -> None:
    if call.headers.get("if-none-match") == "*" and blob.path.exists():
        raise HttpError("The specified blob already exists.", "BlobAlreadyExists", 409)
    source = call.headers.get("x-ms-copy-source")
    data = _copied(call, source) if source else call.body
    blob.write(data, appendable=call.headers.get("x-ms-blob-type") == "AppendBlob")


def _copied(call: Call, source: str) -> bytes:
    address = urlsplit(source)
    container, _, path = unquote(address.path).lstrip("/").partition("/")
    parts = [address.netloc.split(".")[0], container, path]
    # a signed address opens what it names: the source needs one of its own, as in Azure
    if not call.headers.get("authorization") and not _is_signed(
        call.service, parts, dict(parse_qsl(address.query))
    ):
        raise HttpError("The source of the copy is not signed.", "CannotVerifyCopySource", 403)
    source_file = file(call.service, *parts)
    if not source_file.is_file():
        raise HttpError("The specified blob does not exist.", "CannotVerifyCopySource", 404)
    return source_file.read_bytes()


def _get(call: Call) -> Reply:
    blob = _there(call)
    headers, size = blob.headers(), blob.path.stat().st_size
    if call.method == "HEAD":
        return Reply(None, 200, {**headers, "content-length": str(size)})
    range_ = re.match(r"bytes=(\d+)-(\d*)", call.headers.get("x-ms-range") or call.headers.get("range", ""))
    if not range_:
        return Reply(blob.path.read_bytes(), 200, headers)
    first, last = int(range_[1]), min(int(range_[2] or size - 1), size - 1)
    if first >= size:
        return Reply(b"", 416, {"x-ms-error-code": "InvalidRange", "content-range": f"bytes */{size}"})
    range_headers = {**headers, "content-range": f"bytes {first}-{last}/{size}"}
    return Reply(blob.part(first, last), 206, range_headers)


def _deleted(call: Call) -> Reply:
    _there(call).path.unlink()
    return Reply(b"", 202)


def _container(call: Call) -> Reply:
    _authorized(call)
    root = folder(call.service, call.path["account"], call.path["container"])
    if call.query.get("comp") == "list":
        return Reply(_listing(call, root), 200, {"content-type": "application/xml"})
    facts = {"etag": '"0x1"', "last-modified": formatdate(usegmt=True)}
    return Reply(b"", 201 if call.method == "PUT" else 200, facts)


def _listing(call: Call, root: Path) -> str:
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter")
    files = sorted((file for file in root.rglob("*") if file.is_file()), key=Path.as_posix)
    entries: dict[str, None] = {}  # in order, and each folder once
    for path in files:
        name = unquote(path.relative_to(root).as_posix())
        below = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
        if name.startswith(prefix) and below[1]:
            folder = escape(prefix + below[0] + below[1])
            entries[f"<BlobPrefix><Name>{folder}</Name></BlobPrefix>"] = None
        elif name.startswith(prefix):
            entries[_entry(name, BlobFile(call.service.folder, path))] = None
    head = f'<EnumerationResults ContainerName="{root.name}"><Prefix>{escape(prefix)}</Prefix>'
    body = f"<Blobs>{''.join(entries)}</Blobs><NextMarker/></EnumerationResults>"
    return f'<?xml version="1.0" encoding="utf-8"?>{head}{body}'


def _entry(name: str, blob: BlobFile) -> str:
    facts = blob.headers()
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>"
        f"<Last-Modified>{facts['last-modified']}</Last-Modified><Etag>{escape(facts['etag'])}</Etag>"
        f"<Content-Length>{blob.path.stat().st_size}</Content-Length>"
        f"<Content-Type>application/octet-stream</Content-Type>"
        f"<BlobType>{facts['x-ms-blob-type']}</BlobType></Properties></Blob>"
    )


ROUTES = [
    route("GET HEAD PUT", "/blob/{account}/{container}", _container, public=True),
    route("PUT", "/blob/{account}/{container}/{path:path}", _put, public=True),
    route("GET HEAD", "/blob/{account}/{container}/{path:path}", _get, public=True),
    route("DELETE", "/blob/{account}/{container}/{path:path}", _deleted, public=True),
]
