"""The kernel provisioner ``workbench``: the kernels of this Python are forked, all others started as ever."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from operation.engine.notebooks.fork_server.client import ForkedKernel, ForkServer

NAME = "workbench"
_LAUNCHER = ["-m", "ipykernel_launcher"]
_PLAIN = 5  # arguments of a kernel's command before further arguments: python -m ... -f <connection file>
_READ_AT_IMPORT = ("LD_", "MKL_", "MPL", "NUMEXPR_", "OMP_", "OPENBLAS_", "PANDAS", "PYTHON", "SKLEARN_")
_SHADOWS = ("matplotlib", "numpy", "pandas", "scipy", "sklearn")
_GRACE = 5.0  # seconds for the exit functions of a kernel that shuts down
_lock = threading.Lock()
_own: list[ForkServer] = []


class WorkbenchProvisioner(LocalProvisioner):
    """Forks ipykernel from a process with libraries; what cannot be forked is started as by its base class.

    The manager's attributes ``fork_server``, ``memory`` (bytes) and ``start_timeout`` (seconds) are used
    where it has them, see `managers`.
    """

    process: Any = None
    cwd: Any = None
    pid: Any = None
    pgid: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel and wait until its sockets are there."""
        server = getattr(self.parent, "fork_server", None)
        reason = why_not(cmd, kwargs, server)
        if reason:
            print(f"this kernel is started, not forked: {reason}", file=sys.stderr)
            return await super().launch_kernel(cmd, **kwargs)
        folder = str(Path(kwargs.get("cwd") or Path.cwd()).resolve())
        limit = getattr(self.parent, "memory", None)
        request = {"env": kwargs["env"], "cwd": folder, "memory": limit, "arguments": cmd[_PLAIN:]}
        ahead = server.take_ahead(request) if server else None
        if ahead:
            self.connection_info, self.process = ahead
        else:
            self.process = _fork(server or default_server(), cmd, kwargs, request)
        await self._ready(self.process)
        self.pid = self.pgid = self.process.pid
        self.cwd = kwargs.get("cwd") or Path.cwd()
        return self.connection_info

    async def _ready(self, kernel: ForkedKernel) -> None:
        seconds = getattr(self.parent, "start_timeout", 60)
        try:
            async with asyncio.timeout(seconds):
                ready = await kernel.receive("ready")
        except TimeoutError:
            raise RuntimeError(f"Kernel didn't respond in {seconds:g} seconds") from None
        if not ready:
            raise RuntimeError("Kernel died before replying to kernel_info")

    async def wait(self) -> int | None:
        """Wait for the end of the process, by its event."""
        if not isinstance(self.process, ForkedKernel):
            return await super().wait()
        await self.process.receive("ended")
        code, self.process = self.process.wait(), None
        return code

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: ARG002
        """Wait for the kernel's end: its manager would look every tenth of a second."""
        if isinstance(self.process, ForkedKernel):
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE / 2):
                    await self.process.receive("ended")
            server = getattr(self.parent, "fork_server", None)
            if server and server.learns:
                server.learn(self.process.messages.get("imported", ()))


def why_not(cmd: Sequence[str], options: Mapping[str, Any], server: ForkServer | None) -> str | None:
    """Return what keeps a kernel from being forked, None when nothing does.

    `cmd` starts it, with ``env`` and ``cwd`` of `options`; `server` is by default one of this process's own.
    """
    if sys.platform != "linux":
        return f"on {sys.platform} a process with libraries in it cannot be forked safely"
    if list(cmd[1:3]) != _LAUNCHER:
        return "it is not ipykernel, or has options of Python"
    if not is_this_python(cmd[0]):
        return f"it is another Python ({cmd[0]})"
    theirs, mine = options["env"], server.variables if server else os.environ
    names = {name for name in {*theirs, *mine} if name.startswith(_READ_AT_IMPORT)} - {"MPLBACKEND"}
    other = sorted(name for name in names if theirs.get(name) != mine.get(name))
    if other:
        return f"libraries read {other[0]} when they are imported, and it is another"
    folder = Path(options.get("cwd") or Path.cwd())
    shadows = (folder / name for name in _SHADOWS)
    files = (file for shadow in shadows for file in (shadow.with_suffix(".py"), shadow / "__init__.py"))
    file = next((file for file in (folder / "matplotlibrc", *files) if file.is_file()), None)
    return f"{file} is read when a library is imported" if file else None


def is_this_python(program: str) -> bool:
    """Return whether `program` starts the Python that runs here, in the same environment."""
    path = shutil.which(program)
    return path is not None and Path(path).absolute() == Path(sys.executable).absolute()


def _fork(
    server: ForkServer, cmd: list[str], options: Mapping[str, Any], requested: Mapping[str, Any]
) -> ForkedKernel:
    request = {**requested, "argv": [str(Path(sys.prefix) / "ipykernel_launcher.py"), *cmd[3:]]}
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        out, err = (
            _descriptor(options.get(name), null, standard)
            for name, standard in (("stdout", 1), ("stderr", 2))
        )
        return server.fork(request, out, err)
    finally:
        os.close(null)


def _descriptor(stream: Any, null: int, standard: int) -> int:
    """Return the descriptor that `subprocess.Popen` would take."""
    if stream is None:
        return standard
    if isinstance(stream, int):
        return null if stream == subprocess.DEVNULL else stream
    return int(stream.fileno())


def default_server() -> ForkServer:
    """Return this process's own server, started when it is first asked for."""
    with _lock:
        if not _own:
            _own.append(ForkServer.handed_over() or ForkServer(os.environ))
        return _own[0]
