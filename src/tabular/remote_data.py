"""Remote data, brought to a path: datasets and datastores of Azure ML, and blobs of a storage account."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import utils
from support import step

if TYPE_CHECKING:
    from azure.storage.blob import BlobServiceClient
    from azureml.core import Workspace

FORMS = {
    "dataset": "dataset:<name>:<version>",
    "datastore": "datastore:<name>/<path>",
    "blob": "blob:<account>/<container>/<path>",
}
# the names that Azure's own tools read
CREDENTIALS = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Remote:
    """Where data is, and how to open it."""

    # ``dataset:<name>:<version>``, ``datastore:<name>/<path>`` or ``blob:<account>/<container>/<path>``
    source: str
    # ``<resource group>/<name>`` of the Azure ML workspace; needed without config.json or a run context
    workspace: str | None = None
    # Name of the key vault secret that opens the blob's account: a connection string, a key or a shared
    # access signature. By default one of the environment variables `CREDENTIALS`.
    secret: str | None = None
    digest: str | None = None  # SHA-256, hexadecimal, that the data must have; see `digest`


@contextmanager
def fetched(remote: Remote) -> Iterator[Path]:
    """Download the data to a temporary file or folder.

    Yields
    ------
    Path
        The file or folder, which is removed when the block ends.

    Raises
    ------
    StepError
        When the source is malformed, missing, cannot be opened, or has another digest.
    """
    download, parts = _parse(remote.source)
    # an engine may still hold a file on systems where that keeps it from being removed
    with tempfile.TemporaryDirectory(prefix="data-", ignore_cleanup_errors=True) as folder:
        path = download(remote, Path(folder), *parts)
        actual = digest(path)
        if remote.digest and remote.digest.lower() != actual:
            message = f"--remote {remote.source}: its SHA-256 is {actual}"
            raise step.StepError(f"{message}, not {remote.digest} as --remote-digest says")
        yield path


def blobs(remote: Remote) -> dict[str, str]:
    """Return address -> version (ETag) of the blob that `remote` names, or of all under it."""
    _, (account, container, path) = _parse(remote.source)
    client = _account(remote, account).get_container_client(container)
    found = _ask(remote, lambda: list(client.list_blobs(name_starts_with=path)))
    return {
        f"blob:{account}/{container}/{blob.name}": blob.etag for blob in found if _is_under(blob.name, path)
    }


def delta_storage(remote: Remote) -> tuple[str, dict[str, str]]:
    """Return the URI of a Delta table at ``blob:<account>/<container>/<path>`` and the options to open it."""
    _, (account, container, path) = _parse(remote.source)
    credential = _credential(remote)
    options = {"azure_storage_account_name": account, "retry_timeout": "30s", "max_retries": "3"}
    fields = dict(part.split("=", 1) for part in credential.split(";") if "=" in part)
    if "AccountName" not in fields:
        name = "azure_storage_sas_key" if "sig=" in credential else "azure_storage_account_key"
        return f"az://{container}/{path}", {**options, name: credential.removeprefix("?")}
    _check_account(remote, fields["AccountName"], account)
    names = {
        "AccountKey": "azure_storage_account_key",
        "SharedAccessSignature": "azure_storage_sas_key",
        "BlobEndpoint": "azure_storage_endpoint",
    }
    options |= {option: fields[name] for name, option in names.items() if name in fields}
    if options.get("azure_storage_endpoint", "").startswith("http:"):
        # Azurite does not know a way of listing that Delta uses elsewhere; where it is, Delta reads here only
        endpoint = options.pop("azure_storage_endpoint").rstrip("/").removesuffix(f"/{account}")
        os.environ["AZURITE_BLOB_STORAGE_URL"] = endpoint
        options["azure_storage_use_emulator"] = "true"
    return f"az://{container}/{path}", options


def secret_values(options: Mapping[str, str]) -> list[str]:
    """Return those of the options of a Delta table that no message may show."""
    return [value for name, value in options.items() if name.endswith("_key")]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files and their names, hexadecimal."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = {file.relative_to(path).as_posix(): digest(file) for file in path.rglob("*") if file.is_file()}
    listing = "".join(f"{name}\0{of_file}\n" for name, of_file in sorted(files.items()))
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _parse(source: str) -> tuple[Callable[..., Path], list[str]]:
    """Return the function that downloads `source`, and the parts of its address."""
    kind, _, rest = source.partition(":")
    if kind not in FORMS:
        raise step.StepError(f"--remote: {source!r} must have one of the forms {', '.join(FORMS.values())}")
    functions: dict[str, Callable[..., Path]] = {"dataset": _dataset, "datastore": _datastore, "blob": _blob}
    separator, count = (":" if kind == "dataset" else "/"), FORMS[kind].count("<")
    parts = rest.split(separator, count - 1)
    if len(parts) < count or not all(parts):
        raise step.StepError(f"--remote: {source!r} is incomplete: write {FORMS[kind]}")
    return functions[kind], parts


def _dataset(remote: Remote, folder: Path, name: str, version: str) -> Path:
    """Download one version of a registered dataset: its files, or its table as Parquet."""
    if not version.isdigit():
        raise step.StepError(f"--remote: {version!r} is not a version of dataset {name}: give its number")
    from azureml.core import Dataset
    from azureml.data import FileDataset

    workspace = _workspace(remote)
    dataset = _ask(remote, lambda: Dataset.get_by_name(workspace, name, int(version)))
    if isinstance(dataset, FileDataset):
        _ask(remote, lambda: dataset.download(str(folder), overwrite=True))
        return _only_file(remote, folder)
    table = _ask(remote, dataset.to_pandas_dataframe)
    table.to_parquet(folder / "table.parquet", index=False)
    return folder / "table.parquet"


def _datastore(remote: Remote, folder: Path, name: str, path: str) -> Path:
    """Download a file or folder of a datastore."""
    from azureml.core import Datastore

    workspace = _workspace(remote)
    store = _ask(remote, lambda: Datastore.get(workspace, name))
    _ask(remote, lambda: store.download(str(folder), prefix=path, overwrite=True, show_progress=False))
    # the prefix "in" also matches in-2013/: only what is under the path itself is wanted
    return _only_file(remote, folder / path)


def _blob(remote: Remote, folder: Path, account: str, container: str, path: str) -> Path:
    """Download a blob, or all blobs under a folder's name."""
    client = _account(remote, account).get_container_client(container)
    names = _ask(remote, lambda: [str(blob.name) for blob in client.list_blobs(name_starts_with=path)])
    for name in names:
        if _is_under(name, path):
            file = folder.joinpath(*PurePosixPath(name).parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_ask(remote, client.download_blob(name).readall))
    return _only_file(remote, folder / path)


def _is_under(name: str, path: str) -> bool:
    """Tell whether a blob is the one at `path`, or in the folder of that name."""
    inside = name == path or name.startswith(f"{path.rstrip('/')}/")
    return inside and ".." not in PurePosixPath(name).parts


def _account(remote: Remote, account: str) -> BlobServiceClient:
    """Return the client of a storage account."""
    from azure.storage.blob import BlobServiceClient

    credential = _credential(remote)
    if "AccountName=" not in credential:
        address = f"https://{account}.blob.core.windows.net"
        return _ask(remote, lambda: BlobServiceClient(address, credential=credential.removeprefix("?")))
    client = _ask(remote, lambda: BlobServiceClient.from_connection_string(credential))
    _check_account(remote, str(client.account_name), account)
    return client


def _check_account(remote: Remote, opened: str, account: str) -> None:
    if opened != account:
        message = f"the credential opens storage account {opened}, not {account}"
        raise step.StepError(f"--remote {remote.source}: {message}")


def _credential(remote: Remote) -> str:
    """Return the credential of the account: a key vault secret where one is named, else the environment's."""
    if remote.secret:
        vault, name = _workspace(remote).get_default_keyvault(), remote.secret
        secret = _ask(remote, lambda: vault.get_secrets([name]))[name]
        if secret is None:
            raise step.StepError(f"--credential-secret: the workspace's key vault has no secret {name!r}")
        return str(secret)
    credential = next((os.environ[name] for name in CREDENTIALS if os.environ.get(name)), None)
    if credential is None:
        fix = f"name a key vault secret by --credential-secret, or set one of {', '.join(CREDENTIALS)}"
        raise step.StepError(f"--remote {remote.source}: no credential for the account: {fix}")
    return credential


def _workspace(remote: Remote) -> Workspace:
    group, _, name = (remote.workspace or "").partition("/")
    return utils.workspace(name=name or None, group=group or None)


def _only_file(remote: Remote, path: Path) -> Path:
    """Return the only file under `path`, or `path` when there are more."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise step.StepError(f"--remote {remote.source}: there is no data")
    return files[0] if len(files) == 1 else path


def _ask(remote: Remote, question: Callable[[], Result]) -> Result:
    """Return the result of `question`; a failure of Azure is one line without a credential."""
    from azure.core.exceptions import AzureError
    from azureml._restclient.exceptions import AzureMLRestClientException  # there is no public name
    from azureml.exceptions import AzureMLException

    try:
        return question()
    except (AzureMLException, AzureMLRestClientException, AzureError, OSError, ValueError) as error:
        code = getattr(error, "error_code", None)
        code = getattr(code, "value", code)
        text = " ".join(str(getattr(error, "message", None) or error).split())
        for secret in (os.environ.get(name) for name in CREDENTIALS):
            text = text.replace(secret, "***") if secret else text
        raise step.StepError(f"--remote {remote.source}: {code or text}") from error
