"""The process of one notebook: executes the cells that come over the channel until it is told to end."""

from __future__ import annotations

import asyncio
import atexit
import builtins
import faulthandler
import gc
import getpass
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.notebooks.forked import shell as shells
from operation.engine.notebooks.forked.channel import Channel
from operation.engine.notebooks.forked.output import writer
from operation.engine.notebooks.forked.surroundings import die_with_parent, limit_memory, notebook_path, room


class NotebookKernel:
    """What serves the cells.

    Parameters
    ----------
    shell : ZMQInteractiveShell
        Made before this process was forked.
    channel : Channel
        To the process that drives this one.
    outputs : tuple of int
        The pipes of standard output and error, beside descriptors 1 and 2, which user code may redirect.
    mark : bytes
        Written to both before each message.
    """

    def __init__(self, shell: Any, channel: Channel, outputs: tuple[int, int], mark: bytes) -> None:
        self.shell = shell
        self.channel = channel
        self.outputs = outputs
        self.streams = (sys.stdout, sys.stderr)
        self.mark = mark
        self.lock = threading.RLock()
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.there = asyncio.Event()  # a request, or that there is no more to wait for
        self.leaving = False
        self.session = shells.connect(shell, self.deliver, self._leave_later)
        self.known = set(sys.modules)

    def deliver(self, message: bytes) -> None:
        """Send a message, with a mark for the text before it."""
        with self.lock, _whole():
            for stream in self.streams:
                stream.flush()
            for descriptor in self.outputs:
                os.set_blocking(descriptor, True)  # a child process may have changed it for all
                os.write(descriptor, self.mark)
            self.channel.send(message)

    def serve(self) -> None:
        """Execute cells until the channel ends, the driver says so or the notebook exits."""
        while not self.leaving:
            try:
                request = self.loop.run_until_complete(self._next())
            except KeyboardInterrupt:  # between two cells: there is nothing to interrupt
                continue
            if request is None or "cell" not in request:
                return
            self._tell("status", {"execution_state": "busy"})
            self._execute(request["cell"])
            self._tell("status", {"execution_state": "idle"})

    async def _next(self) -> dict[str, Any] | None:
        """Wait for the next request while what earlier cells left to the event loop goes on."""
        self.there.clear()
        self.loop.add_reader(self.channel.fileno(), self.there.set)
        try:
            await self.there.wait()
        finally:
            self.loop.remove_reader(self.channel.fileno())
        return None if self.leaving else self.channel.receive()

    def _leave_later(self, seconds: float, _: object) -> None:
        """Leave as a kernel does after ``exit``: cells that come soon are executed all the same."""
        self.loop.call_later(seconds, self._leave)

    def _leave(self) -> None:
        self.leaving = True
        self.there.set()

    def _execute(self, source: str) -> None:
        count = self.shell.execution_count
        self._tell("execute_input", {"code": source, "execution_count": count})
        try:
            result = self.loop.run_until_complete(self._run(source))
        except KeyboardInterrupt:  # after the cell's own code, in what follows it
            result = None
        reply: dict[str, Any] = {"status": "ok", "execution_count": self.shell.execution_count - 1}
        error = None
        if result is not None:
            error = result.error_before_exec or result.error_in_exec
        if result is None or not result.success or self.shell._last_traceback_during_displayhook:
            reply |= {
                "status": "error",
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": self.shell._last_traceback or [],
            }
        self.shell.payload_manager.clear_payload()
        self._tell("execute_reply", {**reply, "libraries": self._new_libraries()})

    def _new_libraries(self) -> list[str]:
        """Return the installed modules that were imported since this was asked before, in their order."""
        new = [name for name in list(sys.modules) if name not in self.known]
        self.known.update(new)
        return [name for name in new if _installed(sys.modules.get(name))]

    async def _run(self, source: str) -> Any:
        """Execute a cell as ipykernel does: with a running event loop around all of it."""
        shell = self.shell
        shell._last_traceback, shell._last_traceback_during_displayhook = None, False
        transformed, problem = source, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:  # noqa: BLE001 - what any transformer raises is shown as the cell's own error
            problem = sys.exc_info()
        options = {"store_history": True, "silent": False}
        if not shell.should_run_async(source, transformed_cell=transformed, preprocessing_exc_tuple=problem):
            return shell.run_cell(source, **options)
        task = self.loop.create_task(
            shell.run_cell_async(
                source, transformed_cell=transformed, preprocessing_exc_tuple=problem, **options
            )
        )
        result = None
        before = signal.signal(signal.SIGINT, lambda *_: self.loop.call_soon_threadsafe(task.cancel))
        try:
            result = await task
        finally:
            signal.signal(signal.SIGINT, before)
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result

    def _tell(self, kind: str, content: dict[str, Any]) -> None:
        self.session.send(None, kind, content)


def _installed(module: Any) -> bool:
    """Tell whether a module is a file of the environment: the user's own code is never among them."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    return isinstance(origin, str) and origin.startswith(sys.prefix + os.sep)


@contextmanager
def _whole() -> Iterator[None]:
    """Let an interrupt wait until what happens in here is complete: half a message would be the last one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: waiting.append(1))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        signal.raise_signal(signal.SIGINT)


def main(shell: Any, channel: int, out: int, err: int) -> None:
    """Be the notebook's process, in a child that was just forked; never returns."""
    code = 70
    try:
        gc.enable()
        os.setsid()
        die_with_parent()
        line = Channel(socket.socket(fileno=channel))
        order = line.receive()
        if order is not None:
            outputs = _become(order, out, err)
            shell.init_environment()
            if order["memory"] is not None:
                limit_memory(order["memory"])
                shell.set_custom_exc((MemoryError,), _show_with_room)
            kernel = NotebookKernel(shell, line, outputs, bytes.fromhex(order["mark"]))
            signal.signal(signal.SIGINT, signal.default_int_handler)
            kernel._tell("hello", {"language_info": shells.language_info()})
            kernel.serve()
            _end(line)
        code = 0
    except BrokenPipeError:  # the driver is gone: nobody is left to be told anything
        code = 0
    except BaseException:  # noqa: BLE001 - the boundary of this process: whatever it is, it is printed
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(code)


def _become(order: dict[str, Any], out: int, err: int) -> tuple[int, int]:
    """Take on what belongs to this notebook alone: descriptors, variables, folder, limits, random state."""
    os.environ.clear()
    os.environ.update(order["variables"])
    os.chdir(order["folder"])
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = writer(out), writer(err)
    faulthandler.enable(err)
    sys.path[:] = notebook_path(order["root"])
    sys.argv[:] = order["arguments"]
    builtins.input = shells.no_input
    getpass.getpass = shells.no_password
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    return out, err


def _show_with_room(shell: Any, kind: Any, error: Any, traceback: Any, tb_offset: int | None = None) -> None:
    with room():
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def _end(line: Channel) -> None:
    """End in order: threads, exit functions, then all that is still in buffers."""
    line.close()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
