"""Data that is elsewhere, brought to a path: datasets and datastores of Azure ML, and blobs of an account."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
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
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Remote:
    """Where data is, and what it takes to get it.

    Parameters
    ----------
    source : str
        ``dataset:<name>:<version>``, ``datastore:<name>/<path>`` or ``blob:<account>/<container>/<path>``.
    workspace : str, optional
        ``<resource group>/<name>`` of the Azure ML workspace; needed where neither config.json nor a
        run context leads to it.
    secret : str, optional
        Name of the secret in the workspace's key vault that opens the blob's account: a connection
        string, a key or a shared access signature. By default one of the environment variables
        `CREDENTIALS`.
    digest : str, optional
        SHA-256, hexadecimal, that the data must have, as `digest` gives it.
    """

    source: str
    workspace: str | None = None
    secret: str | None = None
    digest: str | None = None


@contextmanager
def fetched(remote: Remote) -> Iterator[Path]:
    """Yield a file or folder that holds the data; it is gone when the block ends.

    Raises
    ------
    StepError
        When the source is written wrongly, is not there, cannot be opened, or is not what was meant.
    """
    bring, parts = _parsed(remote.source)
    # an engine may still hold a file on systems where that keeps it from being removed
    with tempfile.TemporaryDirectory(prefix="data-", ignore_cleanup_errors=True) as folder:
        found = bring(remote, Path(folder), *parts)
        there = digest(found)
        if remote.digest and remote.digest != there:
            said = f"--remote {remote.source} holds other data than was meant: its SHA-256 is {there}"
            raise step.StepError(f"{said}, --remote-digest wants {remote.digest}")
        yield found


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files and their names, hexadecimal."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = {file.relative_to(path).as_posix(): digest(file) for file in path.rglob("*") if file.is_file()}
    listing = "".join(f"{name}\0{of_file}\n" for name, of_file in sorted(files.items()))
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()


def _parsed(source: str) -> tuple[Callable[..., Path], list[str]]:
    """Return what brings the data of `source`, and the parts of its address."""
    kind, _, rest = source.partition(":")
    ways: dict[str, tuple[Callable[..., Path], str, int]] = {
        "dataset": (_dataset, ":", 2),
        "datastore": (_datastore, "/", 2),
        "blob": (_blob, "/", 3),
    }
    if kind not in ways:
        raise step.StepError(f"--remote: {source!r} is none of {', '.join(FORMS.values())}")
    bring, separator, count = ways[kind]
    parts = rest.split(separator, count - 1)
    if len(parts) < count or not all(parts):
        raise step.StepError(f"--remote: {source!r} is not complete: write {FORMS[kind]}")
    return bring, parts


def _dataset(remote: Remote, folder: Path, name: str, version: str) -> Path:
    """Bring one version of a registered dataset: its files, or its table as Parquet."""
    if not version.isdigit():
        raise step.StepError(f"--remote: {version!r} is no version of dataset {name}: give its number")
    from azureml.core import Dataset
    from azureml.data import FileDataset

    place = _workspace(remote)
    dataset = _asked(remote, lambda: Dataset.get_by_name(place, name, int(version)))
    if isinstance(dataset, FileDataset):
        _asked(remote, lambda: dataset.download(str(folder), overwrite=True))
        return _found(remote, folder)
    table = _asked(remote, dataset.to_pandas_dataframe)
    table.to_parquet(folder / "table.parquet", index=False)
    return folder / "table.parquet"


def _datastore(remote: Remote, folder: Path, name: str, path: str) -> Path:
    """Bring a file or folder of a datastore."""
    from azureml.core import Datastore

    place = _workspace(remote)
    store = _asked(remote, lambda: Datastore.get(place, name))
    _asked(remote, lambda: store.download(str(folder), prefix=path, overwrite=True, show_progress=False))
    # a prefix finds in-2013/ beside in/: only what stands under the path itself is meant
    return _found(remote, folder / path)


def _blob(remote: Remote, folder: Path, account: str, container: str, path: str) -> Path:
    """Bring a blob, or all blobs under a folder's name."""
    client = _account(remote, account).get_container_client(container)
    names = _asked(remote, lambda: [str(blob.name) for blob in client.list_blobs(name_starts_with=path)])
    under = f"{path.rstrip('/')}/"
    for name in names:
        parts = PurePosixPath(name).parts
        if (name == path or name.startswith(under)) and ".." not in parts:
            file = folder.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_asked(remote, client.download_blob(name).readall))
    return _found(remote, folder / path)


def _account(remote: Remote, account: str) -> BlobServiceClient:
    """Return the client of a storage account, opened by what the credential is."""
    from azure.storage.blob import BlobServiceClient

    credential = _credential(remote)
    if "AccountName=" not in credential:
        address = f"https://{account}.blob.core.windows.net"
        return _asked(remote, lambda: BlobServiceClient(address, credential=credential.removeprefix("?")))
    client = _asked(remote, lambda: BlobServiceClient.from_connection_string(credential))
    if client.account_name != account:
        opened = f"the credential opens storage account {client.account_name}"
        raise step.StepError(f"--remote {remote.source}: {opened}, not {account}")
    return client


def _credential(remote: Remote) -> str:
    """Return what opens the account: the key vault's secret where one is named, else the environment's."""
    if remote.secret:
        vault, name = _workspace(remote).get_default_keyvault(), remote.secret
        secret = _asked(remote, lambda: vault.get_secrets([name]))[name]
        if secret is None:
            raise step.StepError(f"--credential-secret: the workspace's key vault has no secret {name!r}")
        return str(secret)
    found = [os.environ[name] for name in CREDENTIALS if os.environ.get(name)]
    if not found:
        ways = (
            f"name a secret of the key vault by --credential-secret, or set one of {', '.join(CREDENTIALS)}"
        )
        raise step.StepError(f"--remote {remote.source}: nothing opens the account: {ways}")
    return found[0]


def _workspace(remote: Remote) -> Workspace:
    group, _, name = (remote.workspace or "").partition("/")
    return utils.workspace(name=name or None, group=group or None)


def _found(remote: Remote, path: Path) -> Path:
    """Return the only file under `path`, or `path` when there are more."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise step.StepError(f"--remote {remote.source}: there is no data")
    return files[0] if len(files) == 1 else path


def _asked(remote: Remote, ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` gives, or say in one line, without a credential, why it gave nothing."""
    from azure.core.exceptions import AzureError
    from azureml._restclient.exceptions import AzureMLRestClientException  # there is no public name
    from azureml.exceptions import AzureMLException

    try:
        return ask()
    except (AzureMLException, AzureMLRestClientException, AzureError, OSError, ValueError) as error:
        code = getattr(error, "error_code", None)
        code = getattr(code, "value", code)
        text = " ".join(str(getattr(error, "message", None) or error).split())
        for secret in (os.environ.get(name) for name in CREDENTIALS):
            text = text.replace(secret, "***") if secret else text
        raise step.StepError(f"--remote {remote.source}: {code or text}") from error
