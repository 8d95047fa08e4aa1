"""Snapshots: the folder that a run starts in, as it was when the run was submitted."""

import io
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from operation.emulator.history import blobs
from operation.emulator.hosts import storage_account
from operation.emulator.http import WORKSPACE, Call, HttpError, known, route
from operation.emulator.paths import inside
from operation.emulator.service import Service
from operation.emulator.state import State, shaped, write_whole

CONTAINER = "snapshots"
NONE = "00000000-0000-0000-0000-000000000000"


def unpack(service: Service, workspace: str, snapshot: str, target: Path) -> None:
    """Write the files of a snapshot under `target`."""
    for path, blob in files(service.state(workspace), snapshot).items():
        file = inside(target, path, "the snapshot")
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_uploaded(service, workspace, blob), file)


def _uploaded(service: Service, workspace: str, blob: str) -> Path:
    file = blobs.file(service, storage_account(workspace), CONTAINER, blob)
    if not file.is_file():
        raise HttpError(f"the snapshot's file {blob} was not uploaded", status=404)
    return file


def files(state: State, snapshot: str) -> dict[str, str]:
    """Return the blobs of a snapshot's files, by their paths in it."""
    return dict(known(state, "snapshots", snapshot, f"there is no snapshot {snapshot}")["files"])


def _addresses(call: Call) -> dict[str, Any]:
    batch, account = uuid.uuid4().hex, storage_account(call.workspace)
    names = call.json.get("FileNames") or []
    uris = {name: blobs.signed_url(call.service, account, CONTAINER, f"{batch}/{name}") for name in names}
    return {"fileNodes": [{"fullName": name, "blobUri": uri} for name, uri in uris.items()]}


def _made(call: Call) -> dict[str, Any]:
    body = call.json
    parent = body.get("ParentSnapshotId") or NONE
    before = {} if parent == NONE else files(call.state, parent)
    sent = {
        node["FullName"]: unquote(urlsplit(node["BlobUri"]).path).split("/", 2)[2]
        for node in body["FileRevisionList"]["FileNodes"]
    }
    for path in sent:  # refused before anything is made of it
        inside(Path("snapshot"), path, "the snapshot")
    all_files = {**before, **sent}
    present = {path: all_files[path] for path in _leaves(body["DirTreeNode"]) if path in all_files}
    call.state.put("snapshots", call.path["snapshot"], {"files": {**present, **sent}})
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
        for path, blob in files(call.state, snapshot).items():
            archive.write(_uploaded(call.service, call.workspace, blob), path)
    target = blobs.file(call.service, account, CONTAINER, f"zips/{snapshot}.zip")
    write_whole(target, packed.getvalue())
    address = blobs.signed_url(call.service, account, CONTAINER, f"zips/{snapshot}.zip")
    return {"zipSasUri": address, "location": None}


ROUTES = []
for _version in ("v1.0", "v2.0"):
    _all = f"/content/{_version}{WORKSPACE}/snapshots"
    ROUTES += [
        route("GET", f"{_all}/latest/metadata", lambda _: shaped("empty snapshot")),
        route("POST", f"{_all}/getblob", _addresses),
        route("POST", f"{_all}/{{snapshot}}", _made),
        route("POST", f"{_all}/{{snapshot}}/zip", _zipped),
    ]
