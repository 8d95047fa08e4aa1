"""Starts the process that kernels are forked from, and asks it for kernels."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from operation.engine.foundation.masked_log import MaskedLog

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

ROOT = Path(__file__).resolve().parents[4]
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # as a kernel sets it
_LONGEST = (
    90  # bytes of a connection file's name: its sockets are called "-ipc-1" and so on, at most 107 bytes
)
_HANDED_OVER = "WORKBENCH_FORK_SERVER"  # process:descriptor of the control socket
_START = (
    "import sys; sys.path[0] = {root!r}; "  # and not the current folder, where code of the user may lie
    "from operation.engine.notebooks.fork_server.server import main; main({descriptor})"
)


class ForkServer:
    """The process that kernels are forked from; `close` ends it with everything it started.

    Its environment is `variables`: what libraries read when they are imported, threads above all. Where
    `learns` is set it imports what kernels imported: worth it when others follow.
    """

    learns = False

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = {**INLINE, **variables}
        self._forget_kernels()
        self._forked = False
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        code = _START.format(root=str(ROOT), descriptor=theirs.fileno())
        self._child: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-c", code],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()

    def hand_over(self) -> dict[str, str]:
        """Leave the server to the program that replaces this process; return a variable that it needs."""
        self._control.set_inheritable(True)
        return {_HANDED_OVER: f"{os.getpid()}:{self._control.fileno()}"}

    @classmethod
    def handed_over(cls) -> Self | None:
        """Return the server that the program before this one left, if it did."""
        process, _, descriptor = os.environ.get(_HANDED_OVER, "").partition(":")
        if process != str(os.getpid()):  # that of a process that this one is a child of
            return None
        server = cls.__new__(cls)
        server.variables, server._lock, server._child = {**INLINE, **os.environ}, threading.Lock(), None
        server._forget_kernels()
        server._control = socket.socket(fileno=int(descriptor))
        server._control.set_inheritable(False)
        return server

    def _forget_kernels(self) -> None:
        self._last: dict[str, Any] | None = None
        self._ahead: list[tuple[dict[str, Any], KernelConnectionInfo, ForkedKernel]] = []
        self._connections: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def number(self) -> int:
        """The process's number."""
        return self._child.pid if self._child else 0

    def preload(self, modules: Iterable[str]) -> None:
        """Have libraries imported, in the order given, before the kernels that are asked for after this."""
        with suppress(OSError):  # it has ended: the next request for a kernel says so
            self._order({"import": list(modules)}, [])

    def learn(self, modules: Iterable[str]) -> None:
        """Have libraries imported when there is time: no kernel waits for them."""
        with suppress(OSError):
            self._order({"learn": list(modules)}, [])

    def wait(self) -> None:
        """Wait until all that was asked for is imported, what is learned too."""
        asking, answer = os.pipe()
        try:
            with suppress(OSError):  # it has ended: the next request for a kernel says so
                self._order({"imported": 1}, [answer])
        finally:
            os.close(answer)
        os.read(asking, 1)
        os.close(asking)

    def fork(self, request: Mapping[str, object], out: int, err: int) -> ForkedKernel:
        """Return a new kernel's process; raises OSError when the server has ended.

        `request` holds ``argv``, ``env``, ``cwd`` and ``memory`` in bytes or None; `out` and `err` are
        descriptors.
        """
        self._forked = True
        connection, theirs = socket.socketpair()
        with theirs:
            self._order({"fork": 3}, [theirs.fileno(), out, err])
        connection.sendall(json.dumps(request).encode() + b"\n")
        return ForkedKernel(connection)

    def start_ahead(self, variables: Mapping[str, str], folder: Path, log: Path) -> None:
        """Start the kernel of the next notebook while another executes; see `take_ahead`.

        `variables` are those that differ from the last notebook's, `log` takes what the kernel itself says.
        """
        if self._last is None:  # only the first kernel shows how they are started
            return
        from jupyter_client.connect import write_connection_file

        connection_file = self.connection_file()
        if connection_file is None:
            return
        key, sockets = secrets.token_hex(32).encode(), f"{connection_file.with_suffix('')}-ipc"
        file, connection = write_connection_file(str(connection_file), key=key, transport="ipc", ip=sockets)
        info: Any = {**connection, "key": key}  # as a manager holds it
        last_env: dict[str, str] = self._last["env"]
        request = {**self._last, "env": {**last_env, **variables}, "cwd": str(folder.resolve())}
        with Path(os.devnull).open("ab") as out, suppress(OSError):
            argv = [str(Path(sys.prefix) / "ipykernel_launcher.py"), "-f", file, *self._last["arguments"]]
            err = MaskedLog(log)
            kernel = self.fork({**request, "argv": argv}, out.fileno(), err.fileno())
            kernel.log = err
            with self._lock:
                self._ahead.append((request, info, kernel))

    def connection_file(self) -> Path | None:
        """Return a new name for a kernel's connection file and sockets; None where it would be too long.

        Sockets are files here: a port that is free may be taken before a kernel has come to open it.
        """
        with self._lock:
            if self._connections is None:
                self._connections = tempfile.TemporaryDirectory(prefix="workbench-")
        file = Path(self._connections.name) / f"{secrets.token_hex(8)}.json"
        return file if len(os.fsencode(file)) < _LONGEST else None

    def take_ahead(self, request: Mapping[str, object]) -> tuple[KernelConnectionInfo, ForkedKernel] | None:
        """Return the kernel that was started ahead, and how to reach it, if it is the one of `request`.

        `request` holds ``env``, ``cwd``, ``memory`` and ``arguments``.
        """
        with self._lock:
            self._last = dict(request)
            found = next((ahead for ahead in self._ahead if ahead[0] == request), None)
            if found:
                self._ahead.remove(found)
        return found and found[1:]

    def release(self) -> None:
        """Request no more kernels: what is left may end while this process does other things."""
        if self._child and not self._forked:
            self._child.kill()  # it may be deep in an import
        self._control.close()

    def close(self) -> None:
        """End the process and whatever it started."""
        self.release()
        if self._child:
            self._child.wait()
        for *_, kernel in self._ahead:
            kernel.wait()
        if self._connections:
            self._connections.cleanup()

    def _order(self, content: dict[str, object], descriptors: list[int]) -> None:
        text = json.dumps(content).encode() + b"\n"
        with self._lock:  # several threads may request kernels
            socket.send_fds(self._control, [text], descriptors)


class ForkedKernel:
    """A kernel's process, with what `subprocess.Popen` offers that a provisioner uses.

    `connection` brings lines of JSON: ``process`` and ``ended`` from the server, ``ready`` and ``process``
    from the kernel; all else is the stack of a crash. It is at its end when the process is.
    """

    stdin = stdout = stderr = None
    log: MaskedLog | None = None  # of a kernel that was started ahead, closed with it

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.messages: dict[str, Any] = {}
        self.crash = ""
        self._text = b""

    @property
    def pid(self) -> int:
        """The process's number."""
        return int(self.messages["process"])

    @property
    def returncode(self) -> int | None:
        """How it ended, as far as that is known; negative: the signal that killed it."""
        return self.messages.get("ended")

    async def receive(self, word: str) -> bool:
        """Wait for the message `word` or the end of the process; return whether the message came."""
        loop = asyncio.get_running_loop()
        while word not in self.messages and "ended" not in self.messages:
            there = asyncio.Event()
            loop.add_reader(self.connection, there.set)
            try:
                await there.wait()
            finally:
                loop.remove_reader(self.connection)
            self._read_available()
        return word in self.messages

    def poll(self) -> int | None:
        """Return how it ended, None when it has not."""
        if self.returncode is None:
            self._read_available()
        return self.returncode

    def wait(self) -> int | None:
        """Give the connection back; the process has ended."""
        self.connection.close()
        if self.log:
            self.log.close()
            self.log = None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process alone."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process alone to end."""
        self.send_signal(signal.SIGTERM)

    def _read_available(self) -> None:
        try:
            text = self.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            text = b""
        *lines, self._text = (self._text + text).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.messages.update(json.loads(line))
            else:
                self.crash += line.decode(errors="replace") + "\n"
        if not text:  # without a word: the server itself was killed, and its children with it
            self.messages.setdefault("ended", -signal.SIGKILL)
