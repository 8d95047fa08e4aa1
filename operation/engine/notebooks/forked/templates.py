"""Starts the process that notebooks are forked from, and asks it for notebooks' processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from operation.engine.notebooks.forked.channel import Channel
from operation.engine.notebooks.forked.limits import Limits
from operation.engine.notebooks.forked.process import NotebookProcess
from operation.engine.notebooks.forked.streams import MarkedStream, new_mark

ROOT = Path(__file__).resolve().parents[4]
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}  # as a kernel sets it
_START = (
    "import sys; sys.path[0] = {root!r}; "  # and not the current folder, where code of the user may lie
    "from operation.engine.notebooks.forked.template import main; main({descriptor})"
)


class Templates:
    """The process that notebooks are forked from; ended with everything it started by `close`.

    Parameters
    ----------
    variables : mapping
        Its operating system's environment: what libraries read when they are imported, threads above all.

    Attributes
    ----------
    learns : bool, default=False
        Whether it imports what notebooks import, while they execute: worth it when others follow.
    """

    learns = False

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._started = False
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair()
        code = _START.format(root=str(ROOT), descriptor=theirs.fileno())
        self._child = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**INLINE, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def number(self) -> int:
        """The process's number."""
        return self._child.pid

    def preload(self, modules: Iterable[str]) -> None:
        """Have libraries imported, in the order given, before the notebooks that are asked for after this."""
        with suppress(OSError):  # it has ended: who asks for a notebook will be told
            self._order({"import": list(modules)}, [])

    def learn(self, modules: Iterable[str]) -> None:
        """Have libraries imported when there is time: no notebook waits for them."""
        with suppress(OSError):
            self._order({"learn": list(modules)}, [])

    def wait(self) -> None:
        """Wait until all that was asked for is imported, what is learned too."""
        asking, answer = os.pipe()
        try:
            with suppress(OSError):  # it has ended: who asks for a notebook will be told
                self._order({"imported": 1}, [answer])
        finally:
            os.close(answer)
        os.read(asking, 1)
        os.close(asking)

    def start(
        self, variables: Mapping[str, str], folder: Path, limits: Limits | None = None
    ) -> NotebookProcess:
        """Return a new process for one notebook.

        Parameters
        ----------
        variables : mapping
            Its operating system's environment.
        folder : Path
            Its working folder.
        limits : Limits, optional
            None: none.

        Raises
        ------
        OSError
            The template has ended.
        """
        self._started = True
        limits, mark = limits or Limits(), new_mark()
        channel, theirs = socket.socketpair()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        status, status_end = os.pipe()
        try:
            self._order({"fork": 4}, [theirs.fileno(), out_end, err_end, status_end])
        finally:
            theirs.close()
            for descriptor in (out_end, err_end, status_end):
                os.close(descriptor)
        streams = MarkedStream(out, "stdout", mark), MarkedStream(err, "stderr", mark)
        process = NotebookProcess(Channel(channel), streams, status, limits)
        if self.learns:
            process.imported = self.learn
        process.send({"mark": mark.hex(), **_whereabouts(variables, folder), "memory": limits.memory})
        return process

    def release(self) -> None:
        """Ask for no notebook any more: what is left may end while this process does other things."""
        if not self._started:
            self._child.kill()  # it may be deep in an import
        self._control.close()

    def close(self) -> None:
        """End the process and whatever it started."""
        self.release()
        self._child.wait()

    def _order(self, content: dict[str, object], descriptors: list[int]) -> None:
        text = json.dumps(content).encode() + b"\n"
        with self._turn:  # notebooks may be asked for by several threads at once
            socket.send_fds(self._control, [text], descriptors)


def _whereabouts(variables: Mapping[str, str], folder: Path) -> dict[str, object]:
    """Return what a process is to find around it: that of a kernel."""
    launcher = str(Path(sys.prefix) / "ipykernel_launcher.py")
    return {
        "variables": {**INLINE, **variables},
        "folder": str(folder.resolve()),
        "root": str(ROOT),
        "arguments": [launcher, "-f", os.devnull],
    }
