"""Azurite, the real blob server that Azure's own developers test with."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = "azurite-blob"
ACCOUNT = "workbenchtest"
READY = re.compile(r"successfully listens on (http://\S+)")


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Start it on a free port with an account of its own; yield the account's connection string.

    Where it is not installed the test is skipped, but in CI it fails: there it must be.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        said = f"{PROGRAM} is not on the PATH: npm install --global azurite"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    words = [
        program,
        "--blobPort",
        "0",
        "--location",
        str(folder),
        "--disableTelemetry",
        "--skipApiVersionCheck",
    ]
    environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    with subprocess.Popen(
        words, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as server:
        try:
            assert server.stdout
            said = ""
            while not (ready := READY.search(said)):
                line = server.stdout.readline()
                assert line, f"{PROGRAM} did not start:\n{said}"
                said += line
            yield (
                f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};"
                f"BlobEndpoint={ready[1]}/{ACCOUNT};"
            )
        finally:
            _end(server)


def _end(server: subprocess.Popen[str]) -> None:
    if os.name == "nt":  # npm's launcher there is a shell, which does not hand on that it is ended
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(server.pid)], capture_output=True, check=False)
    server.kill()  # asked to end, it would wait for connections that Delta's client keeps open
    server.wait()
