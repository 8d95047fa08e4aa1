"""Datastores: names for containers; their keys are kept apart and given out as Azure gives them."""

import re
from pathlib import Path

from operation.emulator.access import workspace
from operation.emulator.assets import keyvault
from operation.emulator.history import blobs
from operation.emulator.hosts import SUFFIX
from operation.emulator.http import WORKSPACE, Call, HttpError, Reply, known, listed, route
from operation.emulator.paths import inside
from operation.emulator.service import Service
from operation.emulator.state import Document, State

DEFAULT = "workspaceblobstore"
# each kind of store has one section; the SDK wants the others as null
_KINDS = ("Storage", "DataLake", "SqlDatabase", "PostgreSql", "MySql", "File")
SECTIONS = (*(f"azure{kind}Section" for kind in _KINDS), "hdfsSection", "glusterFsSection")
# fields of a section that hold a secret
SECRETS = ("credential", "accountKey", "sasToken", "clientSecret", "userPassword", "credentialValue")
STORAGE = ("blobCacheTimeout", "subscriptionId", "resourceGroup", "clientCredentials")


def datastore(state: State, name: str) -> Document:
    """Return the datastore `name`, keys and all."""
    names = ", ".join(entry["name"] for entry in state.all("datastores")) or "none"
    message = f"Could not find datastore {name} in the workspace; there is: {names}"
    return _whole(state, known(state, "datastores", name.lower(), message))


def folder(service: Service, state: State, name: str) -> Path | None:
    """Return the folder in which the files of the datastore `name` are; None when they are elsewhere."""
    section = datastore(state, name)["azureStorageSection"]
    if not section or section.get("endpoint") != SUFFIX:
        return None
    return blobs.folder(service, section["accountName"], section["containerName"])


def file(service: Service, state: State, name: str, path: str) -> Path:
    """Return where `path` of the datastore `name` is, or would be; refuse one that leads out of it."""
    root = folder(service, state, name)
    if root is None:
        raise HttpError(f"datastore {name} is not kept by the emulator, so a job cannot mount it")
    return inside(root, path.lstrip("/"), f"datastore {name}")


def ensure_defaults(service: Service, state: State, properties: Document) -> None:
    """Make the datastores that every workspace has, where they are missing."""
    if state.get("datastores", DEFAULT):
        return
    account, identity = properties["storageAccount"].rpartition("/")[2], properties["workspaceId"]
    key = blobs.account_key(service, account)
    for name, kind, container in (
        ("workspacefilestore", "AzureFile", "azureml-filestore"),
        ("workspaceartifactstore", "AzureBlob", "azureml"),
        (DEFAULT, "AzureBlob", f"azureml-blobstore-{identity}"),
    ):
        section = {"accountName": account, "containerName": container, "credential": key}
        section |= {"credentialType": "AccountKey", "endpoint": SUFFIX, "protocol": "https"}
        _keep(state, {"name": name, "dataStoreType": kind, "azureStorageSection": section})
    state.put("datastore-default", "default", {"name": DEFAULT})


def _ready(call: Call) -> State:
    """Return the call's state, in which the workspace and its own datastores are."""
    ensure_defaults(call.service, call.state, workspace.document(call)["properties"])
    return call.state


def _keep(state: State, request: Document) -> Document:
    """Write the datastore: its secrets among the credentials, the rest among the documents."""
    name = request["name"].lower()
    store: Document = (
        dict.fromkeys(SECTIONS)
        | request
        | {"name": name, "hasBeenValidated": True, "tags": request.get("tags") or {}}
    )
    hidden: dict[str, Document] = {}
    for section in SECTIONS:
        if store[section]:
            store[section], hidden[section] = _parted(store[section])
    keyvault.system_vault(state).set(_secret(name), hidden)
    return state.put("datastores", name, store)


def _parted(section: Document) -> tuple[Document, Document]:
    """Return a section without its secrets, and the secrets; those of ``clientCredentials`` too."""
    visible = {key: value for key, value in section.items() if key not in SECRETS}
    hidden = {key: value for key, value in section.items() if key in SECRETS}
    if isinstance(visible.get("clientCredentials"), dict):
        visible["clientCredentials"], within = _parted(visible["clientCredentials"])
        hidden["clientCredentials"] = within
    return visible, hidden


def _whole(state: State, store: Document) -> Document:
    secret = keyvault.system_vault(state).get(_secret(store["name"]))
    for section, hidden in (secret["value"] if secret else {}).items():
        visible = store[section]
        if hidden.get("clientCredentials") and visible.get("clientCredentials"):
            visible["clientCredentials"] |= hidden["clientCredentials"]
        visible |= {key: value for key, value in hidden.items() if key != "clientCredentials"}
    if store["azureStorageSection"]:
        store["azureStorageSection"] = _storage(store["azureStorageSection"])
    default = state.get("datastore-default", "default") or {}
    return store | {"isDefault": default.get("name") == store["name"]}


def _secret(name: str) -> str:
    return f"datastore-{name.replace('_', '-')}"


def _storage(section: Document) -> Document:
    """Return the section as the SDK and the native engine read it: the credential under both its names."""
    kind, credential = section.get("credentialType"), section.get("credential")
    full = dict.fromkeys(STORAGE) | section
    full |= {"endpoint": section.get("endpoint") or "core.windows.net"}
    full |= {"protocol": section.get("protocol") or "https"}
    full |= {"accountKey": credential if kind == "AccountKey" else None, "isSas": kind == "Sas"}
    full |= {"sasToken": credential if kind == "Sas" else None, "areWorkspaceManagedIdentitiesAllowed": True}
    full.setdefault("serviceDataAccessAuthIdentity", "None")
    return full


def _default(call: Call) -> Document:
    state = _ready(call)
    return datastore(state, (state.get("datastore-default", "default") or {"name": DEFAULT})["name"])


def _set_default(call: Call) -> Document:
    state = _ready(call)
    store = datastore(state, call.path["name"])
    state.put("datastore-default", "default", {"name": store["name"]})
    return datastore(state, store["name"])


def _list(call: Call) -> Document:
    state = _ready(call)
    return listed(_whole(state, entry) for entry in state.all("datastores"))


def _create(call: Call) -> Document:
    state, request = _ready(call), call.json
    name = request["name"].lower()
    if not re.fullmatch(r"[a-z0-9_]{1,255}", name):
        rule = "use 1 to 255 lower-case letters, digits and underscores"
        raise HttpError(f"Datastore name '{request['name']}' is not valid: {rule}")
    if state.get("datastores", name):
        raise HttpError(f"Another datastore with the same name already exists: {name}")
    return _written(call, state, request)


def _update(call: Call) -> Document:
    state = _ready(call)
    datastore(state, call.path["name"])
    return _written(call, state, call.json)


def _written(call: Call, state: State, request: Document) -> Document:
    _keep(state, request)
    root = folder(call.service, state, request["name"])
    if root and call.says("createIfNotExists"):
        root.mkdir(parents=True, exist_ok=True)
    return datastore(state, request["name"])


def _delete(call: Call) -> Reply:
    state, name = _ready(call), call.path["name"].lower()
    if name == (state.get("datastore-default", "default") or {}).get("name"):
        raise HttpError(f"The default datastore {name} cannot be removed: set another one first")
    existed = state.delete("datastores", name)
    keyvault.system_vault(state).delete(_secret(name))
    return Reply(None, 200 if existed else 204)


_BASE = f"/datastore/v1.0{WORKSPACE}"

ROUTES = [
    route("GET", f"{_BASE}/default", _default),
    route("PUT", f"{_BASE}/default/{{name}}", _set_default),
    route("GET", f"{_BASE}/datastores", _list),
    route("POST", f"{_BASE}/datastores", _create),
    route("GET", f"{_BASE}/datastores/{{name}}", lambda call: datastore(_ready(call), call.path["name"])),
    route("PUT", f"{_BASE}/datastores/{{name}}", _update),
    route("DELETE", f"{_BASE}/datastores/{{name}}", _delete),
]
