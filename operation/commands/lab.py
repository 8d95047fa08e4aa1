"""``lab``: the notebooks in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.setup import replace

ADDRESS = ("--ip", "--ServerApp.ip", "--ServerApp.allow_remote_access")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lab``; what it does not know goes to JupyterLab."""
    parser.description = (
        "Open the folder notebooks/ in JupyterLab, with this environment as its kernel python3. "
        "It listens on this computer only. Options that are not known go to JupyterLab."
    )
    parser.epilog = (
        "examples:\n  python3 -m operation lab\n  python3 -m operation lab --no-browser --port 8890"
    )
    parser.set_defaults(rest=[])


def run(args: argparse.Namespace) -> int:
    """Start JupyterLab in place of this process."""
    # a kernel named python3 in the person's home must not win over the environment's
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    layout = project()
    words = command(layout, args.rest)
    if sys.platform == "linux":
        os.environ.update(_warm_kernels(layout))
    return replace(words)


def _warm_kernels(layout: Layout) -> dict[str, str]:
    """Start what "Python (warm)" is forked from; return the variable by which JupyterLab has it."""
    from operation.engine.notebooks.fork_server.client import ForkServer
    from operation.engine.notebooks.fork_server.libraries import libraries

    server = ForkServer(os.environ)
    scripts = {path.stem: path for path in layout.src.glob("*.py")}
    server.preload(libraries(sorted(layout.notebooks.glob("*.ipynb")), scripts))
    return server.hand_over()


def command(layout: Layout, rest: Sequence[str]) -> list[str]:
    """Return the command line that starts JupyterLab.

    Raises
    ------
    UsageError
        `rest` asks for another address than this computer's own.
    """
    asked = [word for word in rest if word.split("=", maxsplit=1)[0] in ADDRESS]
    if asked:
        raise UsageError(
            f"{asked[0]}: lab listens on 127.0.0.1 only. From another computer use a tunnel: "
            "ssh -L 8888:127.0.0.1:8888 <host>"
        )
    own = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={layout.root}",
        "--LabApp.default_url=/lab/tree/notebooks",
    ]
    return [sys.executable, "-m", "jupyterlab", *own, *_root_user(), *rest]


def _root_user() -> list[str]:
    """Jupyter refuses to start as root, which is whom a container runs as; it listens on loopback."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ["--allow-root"] if is_root else []
