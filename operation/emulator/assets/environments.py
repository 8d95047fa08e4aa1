"""Environments: registered under a name, a version for each content; curated ones made up when asked for."""

from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, listed, lowered, route
from operation.emulator.state import Document, State, shaped

CURATED = "azureml-"  # Azure keeps names that start so for its own; any of them is there


def environment(state: State, name: str, version: str | None = None) -> Document:
    """Return the environment `name`: its `version`, or the one registered last."""
    registration = state.get("environments", name)
    if registration is None and name.lower().startswith(CURATED):
        return _curated(name, version or "1")
    versions: dict[str, Document] = registration["versions"] if registration else {}
    if version is None and versions:
        return list(versions.values())[-1]
    if version in versions:
        return versions[version]
    available = f"its versions are {', '.join(versions)}" if versions else "no environment has this name"
    label = name if version is None else f"{name}:{version}"
    raise HttpError(f"Environment {label} not found: {available}", "EnvironmentNotFound", 404)


def _curated(name: str, version: str) -> Document:
    """Return an image that Azure has ready: the emulator takes its own interpreter for it."""
    return shaped("curated environment", name=name, version=version, image=name.lower())


def used(state: State, specification: Document) -> Document:
    """Return a run's environment with its version: what was not registered before is now, as Azure does."""
    name = specification.get("name")
    if not name or str(name).lower().startswith(CURATED):
        return specification
    registration = state.get("environments", name) or {"versions": {}}
    if specification.get("version") in registration["versions"]:
        return specification
    return {**specification, "version": register(state, name, specification)["version"]}


def register(state: State, name: str, document: Document, requested: str | None = None) -> Document:
    """Register an environment; what is registered already keeps its version."""
    # the SDK writes some names with a capital, and reads all without
    content = _content(lowered(document))
    with state.change("environments", name) as registration:
        versions: dict[str, Document] = registration.setdefault("versions", {})
        registration.setdefault("labels", {})
        same = [version for version, entry in versions.items() if _content(entry) == content]
        if requested in versions and requested not in same:
            raise HttpError(f"Environment {name}:{requested} exists with other content", "Conflict", 409)
        version = requested or (same[-1] if same else str(registration.get("newest", 0) + 1))
        if version.isdigit():
            registration["newest"] = max(int(version), registration.get("newest", 0))
        versions[version] = {"name": name, "version": version, **content}
        return versions[version]


def _put(call: Call) -> Document:
    name = call.path["name"]
    if name.lower().startswith(CURATED):
        message = f"'{name}' cannot be registered: names that start with 'AzureML-' are Azure's own"
        raise HttpError(message, "BadRequest")
    return register(call.state, name, call.json, call.path.get("version"))


def _content(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("name", "version")}


def _get(call: Call) -> Document:
    return environment(call.state, call.path["name"], call.path.get("version"))


def _list(call: Call) -> Document:
    newest = [list(entry["versions"].values())[-1] for entry in call.state.all("environments")]
    return listed(newest)


def _versions(call: Call) -> Document:
    environment(call.state, call.path["name"])
    registration = call.state.get("environments", call.path["name"]) or {"versions": {}}
    return listed(list(registration["versions"].values())[::-1])


def _label(call: Call) -> None:
    name, version = call.path["name"], call.path["version"]
    environment(call.state, name, version)
    with call.state.change("environments", name) as registration:
        registration["labels"] |= dict.fromkeys(call.json["Labels"], version)


def _labelled(call: Call) -> Document:
    name, label = call.path["name"], call.path["label"]
    registration = call.state.get("environments", name) or {"labels": {}}
    version = None if label.lower() == "latest" else registration["labels"].get(label)
    if version is None and label.lower() != "latest":
        raise HttpError(f"Environment {name} has no label {label}", "EnvironmentNotFound", 404)
    return environment(call.state, name, version)


def _image(call: Call) -> Document:
    environment_ = _get(call)
    python = environment_["python"].get("interpreterPath") or "python"
    packages = environment_["python"].get("condaDependencies")
    image = f"azureml/{environment_['name']}:{environment_['version']}".lower()
    return shaped("image of an environment", image=image, python=python, packages=packages)


def _build(call: Call) -> Reply:
    """Answer that the image is built: jobs here run in environments, not in images."""
    document = _get(call)
    location = f"{call.service.url}/environment/v2.0{call.resource}/builds/{document['name']}"
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
