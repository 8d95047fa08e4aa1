"""``lab``: the notebooks in JupyterLab."""

import argparse
import os
import sys
from collections.abc import Sequence

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.setup import replace

ADDRESS = ("--ip", "--ServerApp.ip", "--ServerApp.allow_remote_access")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``lab``; unknown ones are passed to JupyterLab."""
    parser.description = (
        "Open the folder notebooks/ in JupyterLab, with this environment as the kernel python3. "
        "It listens on this computer only. Other options are passed to JupyterLab."
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
    argv = command(layout, args.rest)
    if sys.platform == "linux":
        os.environ.update(_warm_kernels(layout))
    return replace(argv)


def _warm_kernels(layout: Layout) -> dict[str, str]:
    """Start the process that "Python (warm)" is forked from; return the variable that names it."""
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
    addresses = [word for word in rest if word.split("=", maxsplit=1)[0] in ADDRESS]
    if addresses:
        raise UsageError(
            f"{addresses[0]}: lab listens on 127.0.0.1 only. From another computer use a tunnel: "
            "ssh -L 8888:127.0.0.1:8888 <host>"
        )
    own = [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={layout.root}",
        "--LabApp.default_url=/lab/tree/notebooks",
    ]
    return [sys.executable, "-m", "jupyterlab", *own, *_root_user(), *rest]


def _root_user() -> list[str]:
    """Allow root, as in a container: Jupyter listens on this computer only."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ["--allow-root"] if is_root else []
