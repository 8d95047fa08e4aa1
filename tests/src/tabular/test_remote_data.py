"""Data elsewhere becomes a path: blobs of a real server, and how a source must be written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from support import step
from tabular import remote_data, tables
from tabular.remote_data import Remote, fetched
from tests.azurite import ACCOUNT
from tests.src.running import contents, run

VARIABLE = "AZURE_STORAGE_CONNECTION_STRING"


@pytest.fixture(scope="module")
def container(azurite: str) -> str:
    """Put a table, and a folder of two parts beside one whose name begins alike, into a container."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(azurite) as client:
        made = client.create_container("flights")
        for name, text in {
            "one.csv": "a,b\n1,x\n2,y\n",
            "in/1.csv": "a,b\n1,x\n",
            "in/2.csv": "a,b\n2,y\n",
            "in-other/3.csv": "a,b\n3,z\n",
        }.items():
            made.upload_blob(name, text)
    return azurite


@pytest.fixture(autouse=True)
def no_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in remote_data.CREDENTIALS:
        monkeypatch.delenv(name, raising=False)


def message(remote: Remote) -> str:
    with pytest.raises(step.StepError) as error, fetched(remote):
        pass
    return str(error.value)


@pytest.mark.parametrize("path", ["one.csv", "in", "in/"])
def test_a_blob_and_a_folder_of_blobs_become_a_path(
    path: str, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, container)
    with fetched(Remote(f"blob:{ACCOUNT}/flights/{path}")) as found:
        assert found.is_file() == (path == "one.csv")
        assert tables.read_table(found).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert not found.exists()


def test_ingest_reads_a_blob_as_it_reads_the_same_file(
    container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, container)
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_csv(tmp_path / "one.csv", index=False)
    run("ingest", "--data", tmp_path / "one.csv", "--table", tmp_path / "file")
    run("ingest", "--remote", f"blob:{ACCOUNT}/flights/one.csv", "--table", tmp_path / "blob")
    assert contents(tmp_path / "blob") == contents(tmp_path / "file")


def test_data_must_be_what_was_meant(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, container)
    source = f"blob:{ACCOUNT}/flights/in"
    with fetched(Remote(source)) as found:
        there = remote_data.digest(found)
    with fetched(Remote(source, digest=there.upper())):
        pass
    assert message(Remote(source, digest="0" * 64)) == (
        f"--remote {source}: its SHA-256 is {there}, not {'0' * 64} as --remote-digest says"
    )


def test_what_is_not_there_is_said(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, container)
    source = f"blob:{ACCOUNT}/flights/nothing"
    assert message(Remote(source)) == f"--remote {source}: there is no data"
    source = f"blob:{ACCOUNT}/nowhere/in"
    assert message(Remote(source)) == f"--remote {source}: ContainerNotFound"


def test_the_credential_must_open_this_account(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, container)
    assert message(Remote("blob:other/flights/in")) == (
        f"--remote blob:other/flights/in: the credential opens storage account {ACCOUNT}, not other"
    )


def test_a_wrong_key_is_refused_and_not_shown(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = container.replace("AccountKey=", "AccountKey=AAAA")
    monkeypatch.setenv(VARIABLE, wrong)
    source = f"blob:{ACCOUNT}/flights/in"
    assert message(Remote(source)) == f"--remote {source}: AuthorizationFailure"


def test_without_a_credential_the_ways_are_named() -> None:
    assert message(Remote("blob:a/b/c")) == (
        "--remote blob:a/b/c: no credential for the account: name a key vault secret by "
        "--credential-secret, or set one of AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, "
        "AZURE_STORAGE_SAS_TOKEN"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "s3://bucket/key",
            "--remote: 's3://bucket/key' must have one of the forms dataset:<name>:<version>, "
            "datastore:<name>/<path>, "
            "blob:<account>/<container>/<path>",
        ),
        ("dataset:flights", "--remote: 'dataset:flights' is incomplete: write dataset:<name>:<version>"),
        ("dataset:flights:new", "--remote: 'new' is not a version of dataset flights: give its number"),
        ("datastore:in/", "--remote: 'datastore:in/' is incomplete: write datastore:<name>/<path>"),
        ("blob:a/b", "--remote: 'blob:a/b' is incomplete: write blob:<account>/<container>/<path>"),
    ],
)
def test_a_source_is_written_in_one_of_three_forms(source: str, said: str) -> None:
    assert message(Remote(source)) == said
