"""Artifacts: files by origin, container and path, kept as blobs of the workspace's account."""

from typing import Any
from urllib.parse import unquote

from operation.emulator.history import blobs
from operation.emulator.hosts import storage_account
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, listed, route
from operation.emulator.service import Service
from operation.emulator.state import shaped

CONTAINER = "azureml"


def address(service: Service, workspace: str, origin: str, container: str, path: str) -> str:
    """Return the signed address of an artifact."""
    return blobs.signed_url(service, storage_account(workspace), CONTAINER, f"{origin}/{container}/{path}")


def paths(service: Service, workspace: str, origin: str, container: str) -> list[str]:
    """Return the paths of all artifacts of a container, sorted."""
    root = blobs.file(service, storage_account(workspace), CONTAINER, f"{origin}/{container}")
    files = (file for file in root.rglob("*") if file.is_file() and file.suffix != ".partial")
    return sorted(unquote(file.relative_to(root).as_posix()) for file in files)


def store(service: Service, workspace: str, origin: str, container: str, path: str, *, data: bytes) -> None:
    """Write an artifact."""
    file = blobs.file(service, storage_account(workspace), CONTAINER, f"{origin}/{container}/{path}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def read(service: Service, workspace: str, origin: str, container: str, path: str) -> bytes | None:
    """Return an artifact's bytes, or None where there is none."""
    file = blobs.file(service, storage_account(workspace), CONTAINER, f"{origin}/{container}/{path}")
    return file.read_bytes() if file.is_file() else None


def _place(call: Call) -> tuple[str, str]:
    if "run" in call.path:
        return "ExperimentRun", f"dcid.{call.path['run']}"
    return call.path["origin"], call.path["container"]


def _document(origin: str, container: str, path: str) -> dict[str, Any]:
    return shaped("artifact", origin=origin, container=container, path=path)


def _content(call: Call, path: str) -> dict[str, Any]:
    origin, container = _place(call)
    uri = address(call.service, call.workspace, origin, container, path)
    return {"contentUri": uri, "origin": origin, "container": container, "path": path}


def _path(call: Call) -> str:
    return call.path.get("path") or call.query.get("path", "")


def _there(call: Call) -> list[str]:
    return paths(call.service, call.workspace, *_place(call))


def _announced(call: Call) -> dict[str, Any]:
    origin, container = _place(call)
    names = [path["path"] for path in call.json.get("paths") or []]
    return {
        "artifacts": {name: _document(origin, container, name) for name in names},
        "artifactContentInformation": {name: _content(call, name) for name in names},
        "errors": {},
    }


def _listed(call: Call) -> dict[str, Any]:
    return listed(_document(*_place(call), path) for path in _there(call))


def _shown(call: Call) -> dict[str, Any]:
    return _document(*_place(call), _known(call))


def _known(call: Call) -> str:
    path = _path(call)
    if path not in _there(call):
        raise HttpError(f"there is no artifact {'/'.join(_place(call))}/{path}", status=404)
    return path


def _readable(call: Call) -> dict[str, Any]:
    return _content(call, _known(call))


def _with_prefix(call: Call) -> dict[str, Any]:
    return listed(_content(call, path) for path in _there(call) if path.startswith(_path(call)))


def _bytes(call: Call) -> Reply:
    origin, container = _place(call)
    return Reply(read(call.service, call.workspace, origin, container, _known(call)) or b"")


def _written(call: Call) -> dict[str, Any]:
    origin, container = _place(call)
    store(call.service, call.workspace, origin, container, _path(call), data=call.body)
    return _document(origin, container, _path(call))


_ALL = f"/artifact/v2.0{WORKSPACE}/artifacts"
_RUN = f"/history/v1.0{WORKSPACE}/experiments/{{experiment}}/runs/{{run}}/artifacts"
_ONE = "{origin}/{container}"

ROUTES = [
    route("POST", f"{_ALL}/batch/metadata/{_ONE}", _announced),
    route("GET", f"{_ALL}/prefix/contentinfo/{_ONE}", _with_prefix),
    route("GET", f"{_ALL}/prefix/contentinfo/{_ONE}/{{path:path}}", _with_prefix),
    route("GET", f"{_ALL}/contentinfo/{_ONE}", _readable),
    route("GET", f"{_ALL}/contentinfo/{_ONE}/{{path:path}}", _readable),
    route("GET", f"{_ALL}/write/{_ONE}/{{path:path}}", lambda call: _content(call, _path(call))),
    route("GET", f"{_ALL}/content/{_ONE}/{{path:path}}", _bytes),
    route("POST", f"{_ALL}/content/{_ONE}/{{path:path}}", _written),
    route("GET", f"{_ALL}/metadata/{_ONE}/{{path:path}}", _shown),
    route("GET", f"{_ALL}/{_ONE}", _listed),
    route("GET", f"{_ALL}/{_ONE}/{{path:path}}", _shown),
    route("POST", f"{_RUN}/batch/metadata", _announced),
    route("GET", _RUN, _listed),
    route("GET", f"{_RUN}/prefix/contentinfo", _with_prefix),
    route("GET", f"{_RUN}/prefix/contentinfo/{{path:path}}", _with_prefix),
    route("GET", f"{_RUN}/contentinfo", _readable),
    route("GET", f"{_RUN}/contentinfo/{{path:path}}", _readable),
    route("GET", f"{_RUN}/artifacturi/{{path:path}}", _readable),
    route("GET", f"{_RUN}/path/{{path:path}}", _shown),
]
