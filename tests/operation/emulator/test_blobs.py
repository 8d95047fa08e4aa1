"""Files go to a datastore and come back, with the account's key and with nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operation.emulator.access.shared_key import account_key, request_signature
from operation.emulator.http import HttpError

CODE = """
import json, os
from azure.core.exceptions import ClientAuthenticationError, ResourceExistsError
from azure.storage.blob import BlobServiceClient
from azureml.core import Workspace
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
store = Workspace.get("amlblobs", **place).get_default_datastore()
os.makedirs("up/a folder")
for name, data in {"a b.txt": b"1", "a folder/100%.txt": b"2", "big.bin": os.urandom(9_000_000)}.items():
    open("up/" + name, "wb").write(data)
store.upload("up", target_path="in it", show_progress=False)
store.download("down", prefix="in it", show_progress=False)
found = {"down": sorted(os.path.relpath(os.path.join(at, name), "down").replace(os.sep, "/")
                        for at, _, names in os.walk("down") for name in names)}
found["same"] = open("down/in it/big.bin", "rb").read() == open("up/big.bin", "rb").read()
address = f"https://{store.account_name}.blob.{store.endpoint}"
client = BlobServiceClient(address, credential=store.account_key)
container = client.get_container_client(store.container_name)
found["list"] = [blob.name for blob in container.list_blobs(name_starts_with="in it/a")]
found["walk"] = sorted(blob.name for blob in container.walk_blobs("in it/"))
blob = container.get_blob_client("in it/a b.txt")
found["range"] = container.get_blob_client("in it/big.bin").download_blob(offset=5, length=7).readall() == (
    open("up/big.bin", "rb").read()[5:12])
try:
    blob.upload_blob(b"other")
except ResourceExistsError as error:
    found["exists"] = error.error_code
blob.delete_blob()
found["deleted"] = blob.exists()
log = container.get_blob_client("log.txt")
container.get_blob_client("in it/blobs/x").upload_blob(b"a folder of that name does no harm")
log.create_append_blob()
log.append_block(b"one ")
log.append_block(b"two")
found["appended"] = log.download_blob().readall().decode()
other = BlobServiceClient(address, credential="d3Jvbmc=").get_container_client(store.container_name)
try:
    other.get_blob_client("log.txt").download_blob()
except ClientAuthenticationError as error:
    found["wrong key"] = error.error_code
print()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return what the SDK and azure-storage-blob see of a datastore."""
    return answered(CODE)


def test_files_go_up_and_come_down_as_they_were(found: dict[str, Any], emulator_folder: Path) -> None:
    assert found["down"] == ["in it/a b.txt", "in it/a folder/100%.txt", "in it/big.bin"]
    assert found["same"]
    assert found["range"]
    kept = list(emulator_folder.glob("blobs/sablobs/*/in it/a folder/100%25.txt"))
    assert [file.read_bytes() for file in kept] == [b"2"]


def test_blobs_are_listed_flat_and_by_folder(found: dict[str, Any]) -> None:
    assert found["list"] == ["in it/a b.txt", "in it/a folder/100%.txt"]
    assert found["walk"] == ["in it/a b.txt", "in it/a folder/", "in it/big.bin"]


def test_a_blob_is_appended_to_deleted_and_not_written_over_unasked(found: dict[str, Any]) -> None:
    assert found["appended"] == "one two"
    assert found["deleted"] is False
    assert found["exists"] == "BlobAlreadyExists"


def test_another_key_is_refused(found: dict[str, Any]) -> None:
    assert found["wrong key"] == "AuthenticationFailed"


def test_the_signature_is_that_of_azures_documentation() -> None:
    key = account_key(b"secret", "account")
    assert key == account_key(b"secret", "ACCOUNT")
    headers = {
        "x-ms-date": "Sun, 22 Nov 2026 17:00:00 GMT",
        "x-ms-version": "2021-01-01",
        "content-length": "0",
    }
    one = request_signature(key, "GET", "account", "/c/a b", query={"comp": "list"}, headers=headers)
    two = request_signature(key, "GET", "account", "/c/a b", query={"comp": "other"}, headers=headers)
    assert one != two
    assert len(one) == 44


def test_a_path_stays_in_its_container(tmp_path: Path) -> None:
    from operation.emulator.history import blobs
    from operation.emulator.service import Service

    service = Service(tmp_path, "https://localhost", {})
    assert blobs.file(service, "sa", "c", "./a//b.txt") == tmp_path / "blobs" / "sa" / "c" / "a" / "b.txt"
    with pytest.raises(HttpError, match=r"^The path \.\./\.\./x leads out of its container$"):
        blobs.file(service, "sa", "c", "../../x")


def test_nothing_of_the_services_own_stands_among_the_blobs(
    found: dict[str, Any], emulator_folder: Path
) -> None:
    assert found["deleted"] is False
    kept = {file.name for file in emulator_folder.glob("blobs/sablobs/*blobstore*/**/*") if file.is_file()}
    assert kept == {"100%25.txt", "big.bin", "x", "log.txt"}
