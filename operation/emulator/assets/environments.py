"""Environments: registered under a name, a version for each content; curated ones made up when asked for."""

from __future__ import annotations

from operation.emulator.documents import shaped
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, listed, lowered, route
from operation.emulator.state import Document, State

CURATED = "azureml-"  # Azure keeps names that start so for its own; any of them is there


def environment(state: State, name: str, version: str | None = None) -> Document:
    """Return the environment `name`: its `version`, or the one registered last."""
    known = state.get("environments", name)
    if known is None and name.lower().startswith(CURATED):
        return _curated(name, version or "1")
    versions: dict[str, Document] = known["versions"] if known else {}
    if version is None and versions:
        return list(versions.values())[-1]
    if version in versions:
        return versions[version]
    there = f"its versions are {', '.join(versions)}" if versions else "no environment has this name"
    asked = name if version is None else f"{name}:{version}"
    raise HttpError(f"Environment {asked} not found: {there}", "EnvironmentNotFound", 404)


def _curated(name: str, version: str) -> Document:
    """Return an image that Azure has ready: the emulator takes its own interpreter for it."""
    return shaped("curated environment", name=name, version=version, image=name.lower())


def used(state: State, specification: Document) -> Document:
    """Return a run's environment with its version: what was not registered before is now, as Azure does."""
    name = specification.get("name")
    if not name or str(name).lower().startswith(CURATED):
        return specification
    known = state.get("environments", name) or {"versions": {}}
    if specification.get("version") in known["versions"]:
        return specification
    return {**specification, "version": kept(state, name, specification)["version"]}


def kept(state: State, name: str, document: Document, wanted: str | None = None) -> Document:
    """Register an environment; what is registered already keeps its version."""
    # the SDK writes some names with a capital, and reads all without
    content = _content(lowered(document))
    with state.change("environments", name) as known:
        versions: dict[str, Document] = known.setdefault("versions", {})
        known.setdefault("labels", {})
        same = [version for version, one in versions.items() if _content(one) == content]
        if wanted in versions and wanted not in same:
            raise HttpError(
                f"Environment {name}:{wanted} is registered with another content", "Conflict", 409
            )
        version = wanted or (same[-1] if same else str(known.get("newest", 0) + 1))
        if version.isdigit():
            known["newest"] = max(int(version), known.get("newest", 0))
        versions[version] = {"name": name, "version": version, **content}
        return versions[version]


def _put(call: Call) -> Document:
    name = call.path["name"]
    if name.lower().startswith(CURATED):
        said = f"'{name}' cannot be registered: names that start with 'AzureML-' are Azure's own"
        raise HttpError(said, "BadRequest")
    return kept(call.state, name, call.json, call.path.get("version"))


def _content(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("name", "version")}


def _get(call: Call) -> Document:
    return environment(call.state, call.path["name"], call.path.get("version"))


def _list(call: Call) -> Document:
    newest = [list(one["versions"].values())[-1] for one in call.state.all("environments")]
    return listed(newest)


def _versions(call: Call) -> Document:
    environment(call.state, call.path["name"])
    known = call.state.get("environments", call.path["name"]) or {"versions": {}}
    return listed(list(known["versions"].values())[::-1])


def _label(call: Call) -> None:
    name, version = call.path["name"], call.path["version"]
    environment(call.state, name, version)
    with call.state.change("environments", name) as known:
        known["labels"] |= dict.fromkeys(call.json["Labels"], version)


def _labelled(call: Call) -> Document:
    name, label = call.path["name"], call.path["label"]
    known = call.state.get("environments", name) or {"labels": {}}
    version = None if label.lower() == "latest" else known["labels"].get(label)
    if version is None and label.lower() != "latest":
        raise HttpError(f"Environment {name} has no label {label}", "EnvironmentNotFound", 404)
    return environment(call.state, name, version)


def _image(call: Call) -> Document:
    found = _get(call)
    python = found["python"].get("interpreterPath") or "python"
    packages = found["python"].get("condaDependencies")
    image = f"azureml/{found['name']}:{found['version']}".lower()
    return shaped("image of an environment", image=image, python=python, packages=packages)


def _build(call: Call) -> Reply:
    """Answer that the image is built: jobs here run in environments, not in images."""
    found = _get(call)
    location = f"{call.service.url}/environment/v2.0{call.resource}/builds/{found['name']}"
    return Reply({"location": location}, 202, {"Location": location})


_BASE = f"/environment/v1.0{WORKSPACE}/environments"
_BUILD = f"/environment/v2.0{WORKSPACE}"

ROUTES = [
    route("GET", _BASE, _list),
    route("PUT", f"{_BASE}/{{name}}", _put),
    route("GET", f"{_BASE}/{{name}}", _get),
    route("GET", f"{_BASE}/{{name}}/versions", _versions),
    route("PUT", f"{_BASE}/{{name}}/versions/{{version}}", _put),
    route("GET", f"{_BASE}/{{name}}/versions/{{version}}", _get),
    route("PUT", f"{_BASE}/{{name}}/versions/{{version}}/metadata", _label),
    route("GET", f"{_BASE}/{{name}}/labels/{{label}}", _labelled),
    route("GET", f"{_BASE}/{{name}}/image", _image),
    route("GET", f"{_BASE}/{{name}}/versions/{{version}}/image", _image),
    route("POST", f"{_BUILD}/environments/{{name}}/versions/{{version}}/image", _build),
    route("POST", f"{_BUILD}/environments/{{name}}/versions/{{version}}/imageoncompute/{{compute}}", _build),
    route("GET", f"{_BUILD}/builds/{{name}}", lambda _: {"status": "Succeeded", "logUrl": None}),
]
