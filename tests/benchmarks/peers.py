"""The environment of other tools, made on request: ``runs/benchmark-peers``, never mixed with ``.venv``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.setup.indexes import installer_environment, pip_settings, uv_options

TOOLS = Path(__file__).with_name("peers.in")


def programs(layout: Layout) -> Path:
    """Return the folder of the tools' programs; what is missing there is installed, 1 GB in all."""
    folder = layout.runs / "benchmark-peers"
    settings = pip_settings(Path(sys.executable))
    uv = [sys.executable, "-m", "uv", "--quiet"]
    constraints = ["--constraints", str(Path(__file__).resolve().parents[2] / layout.lock.name)]
    commands = [
        *([] if folder.is_dir() else [[*uv, "venv", "--python", sys.executable, str(folder)]]),
        [
            *uv,
            "pip",
            "install",
            "--python",
            str(folder),
            "-r",
            str(TOOLS),
            *constraints,
            *uv_options(settings),
        ],
    ]
    for command in commands:
        subprocess.run(command, env=installer_environment(settings), check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin")
