"""The processes that a command starts: however the command ends, they end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, ClassVar
from weakref import WeakSet

from operation.engine.foundation.watcher import MARK

_GRACE = 3.0  # seconds between asking processes to end and killing them
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class _Interruption(KeyboardInterrupt):
    """What a signal raises: as long as there is one, on its way somewhere, the command is ending."""

    alive: ClassVar[WeakSet[_Interruption]] = WeakSet()

    def __init__(self) -> None:
        super().__init__()
        self.alive.add(self)


def interrupt_at_signals() -> None:
    """Let SIGTERM, which CI sends, and SIGHUP of a closed terminal do from now on what Ctrl-C does.

    A signal that is ignored, as under ``nohup``, stays ignored.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """Let no signal change any more how an interrupted command ends."""
    for number in _SIGNALS:
        if signal.getsignal(number) == _interrupt:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Call what Ctrl-C calls; a command that is recording its interruption is left to it."""
    del number
    if _is_ending():
        return
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or handler is signal.default_int_handler:
        raise _Interruption
    handler(signal.SIGINT, frame)


def _is_ending() -> bool:
    """Tell whether an interruption is on its way.

    What is being handled does not always say so: compiled code puts its own exception there for a while.
    """
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):  # by Ctrl-C
        error = error.__context__
    return error is not None or bool(_Interruption.alive)


@contextmanager
def child(argv: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start a process (`options` of Popen) and wait for it; when the block raises, `end` it.

    On Linux it is killed when this process is killed.
    """
    with subprocess.Popen(argv, preexec_fn=_dies_with_parent(), **options) as process:  # noqa: PLW1509 - one call of C
        try:
            yield process
        except BaseException:
            end(process)
            raise


def end(process: subprocess.Popen[Any]) -> None:
    """Ask `process`, and all that it started, to end; kill what is left after three seconds."""
    import psutil  # type: ignore[import-untyped]

    try:
        root = psutil.Process(process.pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, _GRACE)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def _dies_with_parent() -> Callable[[], None] | None:
    """Return what a new process calls to be killed when this one ends; None where there is no such call."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec there is nothing but the call
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def die_with_parent() -> None:
    """Let this process be killed when its parent ends, where that can be asked for (Linux)."""
    if call := _dies_with_parent():
        call()


@contextmanager
def environ(variables: Mapping[str, str], *, alone: bool = False) -> Iterator[None]:
    """Set variables of the environment, which children inherit, beside those there are or `alone`."""
    before = dict(os.environ)
    if alone:
        os.environ.clear()
        os.environ.update({name: value for name, value in before.items() if name == MARK})
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def thread_limits(workers: int) -> dict[str, str]:
    """Return the variables that give each of `workers` processes its share of the cores."""
    share = str(max(1, cores() // workers))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    return {name: os.environ.get(name, share) for name in names}


def cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_port() -> int:
    """Return a free port on loopback, for a server that is about to start."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
