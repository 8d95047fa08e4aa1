"""The command serves until it is interrupted, and says what to export."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from operation.commands.emulator import announcement

ROOT = Path(__file__).parents[3]
VARIABLES = {
    "ARM_CLOUD_METADATA_URL": "https://localhost:1234/metadata/endpoints",
    "AZUREML_SERVICE_PRINCIPAL_PASSWORD": "0a1b",
}


def test_the_announcement_names_the_page_and_both_forms_of_the_variables() -> None:
    text = announcement(VARIABLES, windows=False)
    assert text == (
        "Azure ML emulator running. Dashboard: https://localhost:1234/?key=0a1b "
        "(self-signed certificate)\n\n"
        "In another terminal, for bash and zsh:\n\n"
        "  export ARM_CLOUD_METADATA_URL='https://localhost:1234/metadata/endpoints'\n"
        "  export AZUREML_SERVICE_PRINCIPAL_PASSWORD='0a1b'\n\n"
        "In another terminal, for PowerShell:\n\n"
        "  $env:ARM_CLOUD_METADATA_URL = 'https://localhost:1234/metadata/endpoints'\n"
        "  $env:AZUREML_SERVICE_PRINCIPAL_PASSWORD = '0a1b'\n\n"
        "Any workspace, resource group and subscription exist. Ctrl-C stops it."
    )
    assert announcement(VARIABLES, windows=True).index("PowerShell") < text.index("PowerShell")


@pytest.mark.skipif(os.name == "nt", reason="there Ctrl-C goes to a whole console")
def test_it_serves_its_page_and_ends_cleanly_when_interrupted(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "operation", "emulator", "--folder", str(tmp_path / "kept")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        assert process.stdout
        said = process.stdout.readline()
        page = re.search(r"https://localhost:\d+/\?key=\w+", said)
        assert page, said
        trusted = ssl.create_default_context(cafile=str(tmp_path / "kept" / "certificates" / "trusted.pem"))
        proxyless = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=trusted),
            urllib.request.HTTPCookieProcessor(),
        )
        with proxyless.open(page[0], timeout=10) as answer:
            assert "<title>" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(15) == 0
    assert rest.endswith(f"Emulator stopped. Its state is in {tmp_path / 'kept'}\n")
