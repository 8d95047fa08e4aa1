"""The process that notebooks are forked from: imports libraries, forks, says how each child ended.

Nothing of the user's is ever imported here. Started as ``python -c``, see `templates`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import warnings
from collections import deque
from contextlib import suppress

gc.disable()  # imports leave little garbage and take a quarter longer with the search for it

from operation.engine.notebooks.forked import kernel, surroundings  # noqa: E402
from operation.engine.notebooks.forked.shell import make_shell  # noqa: E402

# They start threads or talk to devices when imported, which a fork would not have; the last one changes
# the state of matplotlib at the notebook's first figure.
NOT_BEFORE_A_FORK = frozenset(
    {"grpc", "jax", "mlflow", "polars", "pyspark", "ray", "tensorflow", "torch", "matplotlib_inline"}
)


class Template:
    """Serves orders on a control socket.

    Parameters
    ----------
    control : socket
        Each order is a line of JSON: ``{"fork": 4}`` with four descriptors, channel, out, err and status;
        ``{"import": [names]}``, done before the orders that follow; ``{"learn": [names]}``, imported while
        there is nothing else to do; ``{"imported": 1}`` with a descriptor that is closed when all that is.
    """

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.shell = make_shell()
        self.wanted: deque[str] = deque()
        self.descriptors: deque[int] = deque()
        self.text = b""
        self.asking: list[int] = []  # descriptors of those who wait for imports
        self.running: dict[int, int] = {}  # process of a notebook -> where its end is told
        self.wake, wakeup = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wakeup, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup)

    def serve(self) -> None:
        """Serve until the other end of the control socket is closed; then nothing is left running."""
        while True:
            ready, _, _ = select.select([self.control, self.wake], [], [], 0 if self.wanted else None)
            if self.wake in ready:
                with suppress(BlockingIOError):
                    os.read(self.wake, 4096)
                self._bury()
            if self.control in ready:
                if not self._obey():
                    break
            elif self.wanted:
                self._import(self.wanted.popleft())
            while self.asking and not self.wanted:
                os.close(self.asking.pop())
        self.control.close()
        for process in self.running:
            _kill_group(process)
        _kill_orphans(set())

    def _obey(self) -> bool:
        text, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 64)
        self.descriptors.extend(descriptors)
        *lines, self.text = (self.text + text).split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "import" in order:
                for name in order["import"]:
                    self._import(name)
            elif "learn" in order:
                self.wanted.extend(order["learn"])
            elif "imported" in order:
                self.asking.append(self.descriptors.popleft())
            else:
                self._fork([self.descriptors.popleft() for _ in range(4)])
        return bool(text)

    def _fork(self, descriptors: list[int]) -> None:
        channel, out, err, status = descriptors
        gc.freeze()
        process = os.fork()
        if process == 0:
            self._forget(status)
            kernel.main(self.shell, channel, out, err)
        for descriptor in (channel, out, err):
            os.close(descriptor)
        self.running[process] = status
        os.write(status, json.dumps({"process": process}).encode() + b"\n")

    def _forget(self, status: int) -> None:
        """Drop what is the template's, in a child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.control.close()
        for descriptor in (self.wake, status, *self.running.values(), *self.asking):
            os.close(descriptor)

    def _bury(self) -> None:
        """Take every child that ended, and whatever it left running, out of the world; tell its end."""
        for process in list(self.running):
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(process)
            _, state = os.waitpid(process, 0)
            status = self.running.pop(process)
            _kill_orphans(set(self.running))
            with suppress(BrokenPipeError):  # nobody waits for it any more
                os.write(status, json.dumps({"ended": os.waitstatus_to_exitcode(state)}).encode() + b"\n")
            os.close(status)

    def _import(self, name: str) -> None:
        if name.partition(".")[0] in NOT_BEFORE_A_FORK or name in sys.modules:
            return
        # as in a cell: pandas, for one, asks for the shell to know that this is no terminal
        with self.shell.builtin_trap, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with suppress(Exception):  # the notebook will meet the same, and show it
                importlib.import_module(name)


def _kill_group(process: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _kill_orphans(mine: set[int]) -> None:
    """Kill what left its group: it has become a child of this process. Others' are known only when alone."""
    if mine:
        return
    while orphans := surroundings.children():
        for orphan in orphans:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(orphan, 0)


def main(descriptor: int) -> None:
    """Be the template; `descriptor` is the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the driver decides
    surroundings.adopt_orphans()
    Template(socket.socket(fileno=descriptor)).serve()
    os._exit(0)  # nothing here is worth the time of taking libraries apart
