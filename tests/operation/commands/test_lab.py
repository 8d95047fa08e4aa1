"""``lab`` starts JupyterLab on this computer's own address."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from operation.commands.lab import command
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project


def test_command_names_root_address_and_folder(tmp_path: Path) -> None:
    words = command(Layout(tmp_path), ["--no-browser", "--port", "8890"])
    assert words[:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--ServerApp.ip=127.0.0.1" in words
    assert f"--ServerApp.root_dir={tmp_path}" in words
    assert "--LabApp.default_url=/lab/tree/notebooks" in words
    assert words[-3:] == ["--no-browser", "--port", "8890"]


@pytest.mark.parametrize("words", [["--ip", "0.0.0.0"], ["--ServerApp.ip=*"]], ids=" ".join)
def test_other_addresses_are_refused(words: list[str], tmp_path: Path) -> None:
    option = words[0].split("=")[0]
    with pytest.raises(UsageError, match=rf"^{option}[^:]*: lab listens on 127\.0\.0\.1 only\."):
        command(Layout(tmp_path), words)


def test_server_offers_the_kernel_of_this_environment(tmp_path: Path) -> None:
    """A kernel of the same name in the person's home does not win."""
    homely = tmp_path / "jupyter" / "kernels" / "python3"
    homely.mkdir(parents=True)
    spec = {"argv": ["elsewhere"], "display_name": "not this one", "language": "python"}
    (homely / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "operation", "lab", "--no-browser", "--port", "0", "--ServerApp.token=t"],
        cwd=project().root,
        env={
            **os.environ,
            "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
            "JUPYTER_CONFIG_DIR": str(tmp_path),
        },
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        assert server.stderr is not None
        found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in server.stderr)))
        offered = ask(f"{found[0]}api/kernelspecs?token=t")["kernelspecs"]["python3"]["spec"]
        assert ask(f"{found[0]}api/contents/notebooks?token=t&content=0")["type"] == "directory"
    finally:
        server.kill()
        server.communicate()
    assert offered["display_name"] != "not this one"


def ask(url: str) -> Any:
    """Return the answer of a server that says its address a moment before it listens."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url) as answer:
                return json.load(answer)
        except urllib.error.URLError as error:
            if isinstance(error, urllib.error.HTTPError):
                raise
            time.sleep(0.1)
    raise TimeoutError(url)
