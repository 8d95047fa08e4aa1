"""A service that is killed goes on where it stood; tokens expire, are refused, and are renewed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from operation.emulator import tokens
from operation.emulator.hosts import hosts
from operation.emulator.http import HttpError
from operation.emulator.server import READY, running, serve, started
from operation.engine.foundation.errors import UsageError, WorkbenchError

SCRIPT = """
import sys, time
from azureml.core import Run
run = Run.get_context()
run.log("before", 1)
run.flush()
print("begun", flush=True)
time.sleep(float(sys.argv[1]))
run.log("after", 2)
"""
SUBMIT = """
import sys
from azureml.core import Environment, Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
Run._WAIT_COMPLETION_POLLING_INTERVAL_MIN = Run._WAIT_COMPLETION_POLLING_INTERVAL_MAX = 0.2
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amlserver", **place)
ComputeTarget.create(workspace, "cpu", AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=1))
here = Environment("here")
here.python.user_managed_dependencies = True
config = ScriptRunConfig("source", "train.py", [sys.argv[1]], compute_target="cpu", environment=here)
run = Experiment(workspace, "train").submit(config)
run.wait_for_completion()
print(run.get_status(), run.get_metrics())
"""


def begun(folder: Path) -> bool:
    return any("begun" in log.read_text() for log in folder.glob("blobs/*/azureml/*/*/*/70_driver_log.txt"))


@contextmanager
def client(folder: Path, variables: dict[str, str], seconds: int) -> Iterator[subprocess.Popen[str]]:
    """Start a process that submits a script of `seconds` and waits for it."""
    (folder / "source").mkdir()
    (folder / "source" / "train.py").write_text(SCRIPT, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", SUBMIT, str(seconds)],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        yield process


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_service_goes_on_where_it_stood(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with started(state) as variables, client(tmp_path, variables, 4) as process:
        until = time.monotonic() + 40
        while not begun(state) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        os.kill(json.loads((state / READY).read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
        time.sleep(1)
        with started(state) as again:
            said, _ = process.communicate(timeout=60)
    assert again == variables
    assert said.splitlines()[-1] == "Completed {'before': 1, 'after': 2}", said


def test_the_client_renews_its_token_and_a_run_that_cannot_is_told(tmp_path: Path) -> None:
    # the SDK renews a run's own token every 30 s, and the client's before every call
    with (
        started(tmp_path / "state", token_seconds=8) as variables,
        client(tmp_path, variables, 10) as process,
    ):
        said, _ = process.communicate(timeout=120)
    assert "User program failed with ServiceException" in said
    assert "(ExpiredAuthenticationToken) The token expired" in said


def test_a_folder_has_one_service_which_commands_share_only_where_it_was_started_to_be(
    tmp_path: Path,
) -> None:
    with started(tmp_path):
        pid = json.loads((tmp_path / READY).read_text(encoding="utf-8"))["pid"]
        with pytest.raises(WorkbenchError) as busy, started(tmp_path):
            pass
        assert str(busy.value) == (
            f"Process {pid} uses the emulator in {tmp_path}. Wait until it ends, or run "
            "`python3 -m operation emulator` in another terminal: several commands can share that one."
        )
        with pytest.raises(UsageError) as served:
            serve(tmp_path, lambda _: None)
        assert str(served.value).startswith(f"{tmp_path} is already served at https://localhost:")
        assert str(served.value).endswith(f" by process {pid}. Use it, or choose another --folder.")
        known = json.loads((tmp_path / READY).read_text(encoding="utf-8"))
        (tmp_path / READY).write_text(json.dumps({**known, "shared": 1}), encoding="utf-8")
        with started(tmp_path) as variables:
            assert f":{known['port']}/" in variables["ARM_CLOUD_METADATA_URL"]
        assert running(tmp_path)  # what was shared is left alone
    assert running(tmp_path) is None


def test_a_token_is_refused_when_it_has_expired_or_is_not_ours() -> None:
    key, other = b"k" * 32, b"o" * 32
    tokens.check(key, f"Bearer {tokens.token(key, 'run', 60, 'https://localhost')}")
    with pytest.raises(HttpError, match=r"^The token expired [56] s ago$") as expired:
        tokens.check(key, f"Bearer {tokens.token(key, 'run', -5, 'https://localhost')}")
    assert (expired.value.status, expired.value.code) == (401, "ExpiredAuthenticationToken")
    with pytest.raises(HttpError, match=r"^Invalid token: another service issued it$"):
        tokens.check(key, f"Bearer {tokens.token(other, 'run', 60, 'https://localhost')}")
    with pytest.raises(HttpError, match=r"^Missing token. Send `Authorization: Bearer <token>`.$"):
        tokens.check(key, "")


def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "service.pem").write_text("no certificate", encoding="utf-8")
    (tmp_path / "certificates" / "hosts.txt").write_text("\n".join(hosts()), encoding="utf-8")
    with pytest.raises(WorkbenchError) as failed, started(tmp_path):
        pass
    said = str(failed.value)
    assert said.startswith(f"the emulator did not start; {tmp_path / 'service.log'} ends with:\n")
    assert "ssl.SSLError" in said
