"""Text of other processes reaches the disk masked, whole, and whoever else still writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operation.engine.foundation.masked_log import MaskedLog

SECRET = "can4ry-in-a-log"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEAKY_API_KEY", SECRET)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path / "logs" / "kernel.log"


def test_what_was_written_before_the_end_is_there_masked(log: Path) -> None:
    lines = 20_000  # more than a pipe holds
    code = f"import sys; sys.stderr.write('{SECRET} is it\\n' * {lines} + 'half')"
    with MaskedLog(log) as stream:
        subprocess.run([sys.executable, "-c", code], stderr=stream.fileno(), check=True)
    assert log.read_text(encoding="utf-8") == "*** is it\n" * lines + "half"


def test_a_key_of_several_lines_is_masked_as_one(log: Path) -> None:
    with MaskedLog(log) as stream:
        os.write(stream.fileno(), f"before\n{KEY}after\n".encode())
    whole = "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----"
    assert log.read_text(encoding="utf-8") == f"before\n{whole}\nafter\n"


def test_a_process_that_stays_does_not_hold_it_up_nor_the_next(log: Path) -> None:
    with MaskedLog(log) as stream, MaskedLog(log) as other:
        child = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=stream.fileno()
        )
        os.write(stream.fileno(), b"one\n")
        os.write(other.fileno(), b"two\n")
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == ["one", "two"]
    child.communicate(b"\n")


def test_a_log_that_cannot_be_written_stops_nobody(log: Path) -> None:
    with MaskedLog(log) as stream:
        log.unlink()
        log.parent.rmdir()
        os.write(stream.fileno(), b"lost\n")
    assert not log.exists()
