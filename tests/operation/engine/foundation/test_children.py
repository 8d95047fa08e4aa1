"""Signals that ask a command to end interrupt it once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at SIGTERM")
def test_a_signal_interrupts_once_as_long_as_the_interruption_is_on_its_way() -> None:
    code = """
import os, signal
from operation.engine.foundation.children import ignore_signals, interrupt_at_signals

def interrupted():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt as error:
        return error

interrupt_at_signals()
on_its_way = interrupted()
print(on_its_way is not None, interrupted())  # nothing is being handled here: only the object tells
del on_its_way
print(interrupted() is not None)  # the first got lost
ignore_signals()
print(interrupted())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "None", "True", "None"]
