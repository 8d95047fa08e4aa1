"""The process that kernels are forked from: imports libraries, forks, says how each child ended.

Nothing of the user's is ever imported here. Started as ``python -c``, see `fork_server_client`.
"""

import atexit
import builtins
import faulthandler
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from operation.engine.foundation.children import die_with_parent
from operation.engine.foundation.layout import project
from operation.engine.foundation.watcher import adopt_orphans
from operation.engine.identity import opened
from operation.engine.notebooks.fork_server import os_limits

gc.disable()  # imports leave little garbage and take a quarter longer with the search for it

# What may be imported before a fork: it prints nothing, starts no thread, talks to no device and does not
# ask for the kernel while it is imported. All else is imported by the notebook, as in any kernel.
PRELOADED = frozenset(
    {
        "joblib",
        "matplotlib",
        "numpy",
        "operation",
        "pandas",
        "pyarrow",
        "pydantic",
        "scipy",
        "sklearn",
        "yaml",
    }
)
_WARNS = "matplotlib.style.core"  # a notebook that imports this deprecated module is to see the warning
_served: list[bool] = []  # whether this process is a kernel that came to its end
_KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.debugger", "IPython.core.completerlib")


class ForkServer:
    """Serves orders on a control socket.

    Parameters
    ----------
    control : socket
        Each order is a line of JSON: ``{"fork": 3}`` with three descriptors, the kernel's connection, out
        and err; ``{"import": [names]}``, done before the orders that follow; ``{"learn": [names]}``,
        imported while there is nothing else to do; ``{"imported": 1}`` with a descriptor that is closed
        when all that is.
    """

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.modules: deque[str] = deque()
        self.descriptors: deque[int] = deque()
        self.text = b""
        self.waiting: list[int] = []  # descriptors of clients that wait for imports
        self.running: dict[int, socket.socket] = {}  # process of a kernel -> where its end is reported
        self.wake, self.wakeup = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.wakeup, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wakeup)

    def serve(self) -> socket.socket | None:
        """Serve until the control socket closes; in a child that was just forked, return its connection."""
        while True:
            ready, _, _ = select.select([self.control, self.wake], [], [], 0 if self.modules else None)
            if self.wake in ready:
                with suppress(BlockingIOError):
                    os.read(self.wake, 4096)
                self._reap()
            if self.control in ready:
                alive, connection = self._handle_orders()
                if connection:
                    return connection
                if not alive:
                    break
            elif self.modules:
                _import(self.modules.popleft())
            while self.waiting and not self.modules:
                os.close(self.waiting.pop())
        for process in self.running:
            _kill_group(process)
        self.running.clear()
        self._kill_orphans()
        return None

    def _handle_orders(self) -> tuple[bool, socket.socket | None]:
        """Return whether there may be more, and in a child its connection."""
        text, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 64)
        self.descriptors.extend(descriptors)
        *lines, self.text = (self.text + text).split(b"\n")
        for line in lines:
            order = json.loads(line)
            for name in order.get("import", ()):
                _import(name)
            self.modules.extend(name for name in order.get("learn", ()) if _may_be_imported(name))
            if "imported" in order:
                self.waiting.append(self.descriptors.popleft())
            if "fork" in order and (connection := self._fork([self.descriptors.popleft() for _ in range(3)])):
                return True, connection
        return bool(text), None

    def _fork(self, descriptors: list[int]) -> socket.socket | None:
        """Fork a kernel; return its connection in the child."""
        number, out, err = descriptors
        connection = socket.socket(fileno=number)
        gc.freeze()
        process = os.fork()
        if process == 0:
            self._forget()
            for descriptor, standard in ((out, 1), (err, 2)):
                os.dup2(descriptor, standard)
                os.close(descriptor)
            return connection
        os.close(out)
        os.close(err)
        self.running[process] = connection
        _send(connection, {"process": process})
        return None

    def _forget(self) -> None:
        """Drop what is the server's, in a child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for connection in (self.control, *self.running.values()):
            connection.close()
        for descriptor in (self.wake, self.wakeup, *self.descriptors, *self.waiting):
            os.close(descriptor)
        self.running.clear()

    def _reap(self) -> None:
        """Collect every child that ended, kill whatever it left running, and tell its end."""
        for process in list(self.running):
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(process)
            _, state = os.waitpid(process, 0)
            connection = self.running.pop(process)
            self._kill_orphans()
            _send(connection, {"ended": os.waitstatus_to_exitcode(state)})
            connection.close()

    def _kill_orphans(self) -> None:
        """Kill what left its group, a child of this process now; whose it was is known only when alone."""
        while not self.running and (orphans := os_limits.children()):
            for orphan in orphans:
                with suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(orphan, 0)


def _send(connection: socket.socket, content: dict[str, object]) -> None:
    with suppress(OSError):  # the client is gone
        connection.sendall(json.dumps(content).encode() + b"\n")


def _kill_group(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _may_be_imported(name: str) -> bool:
    return name.partition(".")[0] in PRELOADED and name not in sys.modules and name != _WARNS


def _import(name: str) -> None:
    if not _may_be_imported(name):
        return
    # as in a kernel: pandas asks for the shell to know that its tables are not shown in a terminal
    builtins.get_ipython = lambda: SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    try:
        with suppress(Exception):  # the notebook will meet the same, and show it
            importlib.import_module(name)
    finally:
        del builtins.get_ipython  # type: ignore[attr-defined]


def main(descriptor: int) -> None:
    """Be the server; `descriptor` is the control socket. In a child, be the kernel and end as one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the client decides
    adopt_orphans()
    atexit.register(_leave)  # before all others, so that it is the last to be called
    for name in _KERNEL:
        importlib.import_module(name)
    with socket.socket(fileno=descriptor) as control:  # unclosed it warns
        connection = ForkServer(control).serve()
    if connection is None:
        os._exit(0)  # nothing here is worth the time of taking libraries apart
    _serve_cells(connection)


def _leave() -> None:
    """End a kernel whose exit functions have run; to take apart what all share would cost 0.1 s of CPU."""
    if not _served:
        return
    gc.collect()  # IPython has cleared the notebook's names: their finalizers run, their files are closed
    for item in gc.get_objects():
        if isinstance(item, io.IOBase) and not item.closed:
            with suppress(OSError, ValueError):
                item.flush()
    os._exit(0)


def _serve_cells(connection: socket.socket) -> None:
    """Start the stock kernel that the client asks for."""
    gc.enable()
    os.setsid()
    die_with_parent()
    connection.set_inheritable(False)
    with connection:
        line = connection.makefile("rb").readline()
        if not line:  # the client is gone
            os._exit(0)
        request = json.loads(line)
        _enter(request)
        layout = project()
        from ipykernel.kernelapp import IPKernelApp

        app: Any = IPKernelApp.instance(parent_handle=os.getppid())
        app.initialize(request["argv"][1:])
        opened.record_kernel(layout.root, layout.runs)
        if request["memory"] is not None:
            os_limits.limit_memory(request["memory"], app.shell)
        faulthandler.enable(connection.fileno())
        known = set(sys.modules)
        _send(connection, {"ready": True, "process": os.getpid()})  # it may come before the server's word
        app.start()
        _served.append(True)
        _send(connection, {"imported": [name for name in sys.modules if name not in known]})


def _enter(request: dict[str, Any]) -> None:
    """Take on what belongs to this kernel alone, and drop what only a fork would inherit."""
    os.environ.clear()
    os.environ.update({**request["env"], "JPY_PARENT_PID": str(os.getppid())})
    os.chdir(request["cwd"])
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.argv[:] = request["argv"]
    root = sys.path.pop(0)  # as ipykernel's launcher drops the folder it is started in
    if not Path.cwd().is_relative_to(root):  # another project may have an `operation` of its own
        for name in [name for name in sys.modules if name.partition(".")[0] == "operation"]:
            del sys.modules[name]
    if "numpy" in sys.modules:  # Python's own generator sees to itself
        sys.modules["numpy"].random.seed()
    if "multiprocessing.process" in sys.modules:  # where its spawned children begin
        vars(sys.modules["multiprocessing.process"])["ORIGINAL_DIR"] = request["cwd"]
