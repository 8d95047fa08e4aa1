"""A full disk: a clear message, exit code 1, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.src.running import SRC, Trained

# a disk of its own for one command, gone with it; what is left on the disk is told on stdout
SCRIPT = """
disk=$1; shift
mount -t tmpfs -o size=4k none "$disk" || exit 99
"$@" >/dev/null; code=$?
ls -A "$disk"
exit $code
"""


def on_a_small_disk(disk: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run a command beside a disk of 4 kB at `disk`, or skip where that is not permitted."""
    reason = "no unshare on this machine"
    if shutil.which("unshare"):
        namespace = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        command = [*namespace, "sh", "-c", SCRIPT, "sh", str(disk), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if "unshare failed" not in done.stderr and done.returncode != 99:
            return done
        reason = f"a disk cannot be mounted here: {done.stderr.strip()}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("script", ["ingest", "train"])
def test_a_full_disk(script: str, binary: Trained, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    words = {
        "ingest": ["--data", binary.table, "--table", disk / "out"],
        "train": binary.trained_into(disk / "out"),
    }[script]
    done = on_a_small_disk(disk, sys.executable, SRC / f"{script}.py", *words)
    expected = (
        f"error: no space left to write {disk / 'out'}: free disk space, or name a folder on another disk\n"
    )
    assert done.stderr == expected
    assert done.returncode == 1
    assert done.stdout == ""
