"""Snapshots: the folder that a run starts in, as it was when the run was submitted."""

from __future__ import annotations

import io
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from operation.rehearsal.clock import now
from operation.rehearsal.history import blobs
from operation.rehearsal.history.naming import storage_account
from operation.rehearsal.http import WORKSPACE, Call, Refused, route

if TYPE_CHECKING:
    from operation.rehearsal.service import Service

CONTAINER = "snapshots"
NONE = "00000000-0000-0000-0000-000000000000"


def unpack(service: Service, workspace: str, snapshot: str, target: Path) -> None:
    """Write the files of a snapshot under `target`.

    Raises
    ------
    Refused
        404, where there is no such snapshot.
    """
    for path, blob in _files(service, workspace, snapshot).items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blobs.file(service, storage_account(workspace), CONTAINER, blob), place)


def _files(service: Service, workspace: str, snapshot: str) -> dict[str, str]:
    known = service.state(workspace).get("snapshots", snapshot)
    if known is None:
        raise Refused(404, "UserError", f"there is no snapshot {snapshot}")
    return dict(known["files"])


def _latest(_: Call) -> dict[str, Any]:
    root: dict[str, Any] = {
        "name": "",
        "hash": None,
        "type": "Directory",
        "timestamp": now(),
        "sizeBytes": 0,
        "children": {},
    }
    root |= {"sasUrl": None, "absoluteUrl": None, "sizeSet": False}
    return {"id": NONE, "root": root, "tags": {}, "properties": {}, "createdTime": now()}


def _addresses(call: Call) -> dict[str, Any]:
    batch, account = uuid.uuid4().hex, storage_account(call.workspace)
    names = (call.json or {}).get("FileNames") or []
    nodes = [
        {
            "fullName": name,
            "blobUri": blobs.signed_url(call.service, account, CONTAINER, f"{batch}/{name}"),
        }
        for name in names
    ]
    return {"fileNodes": nodes}


def _made(call: Call) -> dict[str, Any]:
    body = call.json or {}
    parent = body.get("ParentSnapshotId") or NONE
    before = {} if parent == NONE else _files(call.service, call.workspace, parent)
    sent = {
        node["FullName"]: unquote(urlsplit(node["BlobUri"]).path).split("/", 2)[2]
        for node in body["FileRevisionList"]["FileNodes"]
    }
    known = {**before, **sent}
    files = {path: known[path] for path in _leaves(body["DirTreeNode"]) if path in known}
    call.state.put("snapshots", call.path["snapshot"], {"files": {**files, **sent}})
    return {}


def _leaves(node: dict[str, Any], above: str = "") -> Iterator[str]:
    children = node.get("children") or {}
    for child in children.values() if isinstance(children, dict) else children:
        path = above + child["name"]
        if str(child.get("type", "")).lower().startswith("dir") or child.get("children"):
            yield from _leaves(child, f"{path}/")
        else:
            yield path


def _zipped(call: Call) -> dict[str, Any]:
    account, snapshot = storage_account(call.workspace), call.path["snapshot"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, blob in _files(call.service, call.workspace, snapshot).items():
            archive.write(blobs.file(call.service, account, CONTAINER, blob), path)
    target = blobs.file(call.service, account, CONTAINER, f"zips/{snapshot}.zip")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(packed.getvalue())
    address = blobs.signed_url(call.service, account, CONTAINER, f"zips/{snapshot}.zip")
    return {"zipSasUri": address, "location": None}


ROUTES = []
for _version in ("v1.0", "v2.0"):
    _all = f"/content/{_version}{WORKSPACE}/snapshots"
    ROUTES += [
        route("GET", f"{_all}/latest/metadata", _latest),
        route("POST", f"{_all}/getblob", _addresses),
        route("POST", f"{_all}/{{snapshot}}", _made),
        route("POST", f"{_all}/{{snapshot}}/zip", _zipped),
    ]
