"""The shell of a notebook's process: ipykernel's own, whose messages go to a channel instead of sockets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from operation.engine.notebooks.forked.quick_ipython import import_ipython

import_ipython()

from ipykernel import zmqshell  # noqa: E402
from ipykernel.compiler import XCachingCompiler  # noqa: E402
from jupyter_client.session import Session, json_packer  # noqa: E402
from traitlets.config import Config  # noqa: E402

Deliver = Callable[[bytes], None]
Leave = Callable[[float, object], None]


class ChannelSession(Session):
    """A session that hands each message over as JSON; `deliver` is set when the process is a notebook's."""

    deliver: Deliver | None = None
    owner = 0

    def send(self, _: Any, msg_or_type: Any, content: Any = None, *__: Any, **___: Any) -> None:  # type: ignore[override]
        """Deliver a message; a forked child of the notebook is silent, as it is with sockets."""
        if self.deliver is None or os.getpid() != self.owner:
            return
        whole = (
            msg_or_type if isinstance(msg_or_type, dict) else {"msg_type": msg_or_type, "content": content}
        )
        kind = whole["msg_type"]
        header = {"msg_type": kind, "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        message = {"header": header, "msg_type": kind, "parent_header": {}, "content": whole["content"]}
        self.deliver(json_packer(message))


class ZMQInteractiveShell(zmqshell.ZMQInteractiveShell):
    """The kernel's shell without a kernel. Libraries know the notebook by the name of this class."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept that there is none, as for inline plots; refuse any other event loop."""
        if gui not in (None, "inline"):
            from ipykernel.zmqshell import UsageError  # type: ignore[attr-defined]

            raise UsageError(f"No event loop of '{gui}' in a headless notebook: use %matplotlib inline.")


ZMQInteractiveShell.__module__ = zmqshell.__name__


def make_shell() -> ZMQInteractiveShell:
    """Return this process's shell. History stays in memory: no thread, no file."""
    config = Config()
    config.IPKernelApp.connection_file = ""
    config.HistoryManager.enabled = False
    shell = ZMQInteractiveShell.instance(
        config=config,
        compiler_class=XCachingCompiler,
        kernel=SimpleNamespace(eventloop=None, shell=None, comm_manager=None),
    )
    hook: Any = shell.displayhook
    publisher: Any = shell.display_pub
    hook.session = publisher.session = ChannelSession(config=Config())
    return shell


def connect(shell: ZMQInteractiveShell, deliver: Deliver, leave: Leave) -> ChannelSession:
    """Let the messages of `shell` go to `deliver` from now on; after ``exit`` it calls `leave`."""
    kernel: Any = shell.kernel
    kernel.io_loop = SimpleNamespace(call_later=leave, stop=None)
    hook: Any = shell.displayhook
    session: ChannelSession = hook.session
    session.owner, session.deliver = os.getpid(), deliver
    return session


def no_input(*_: object, **__: object) -> str:
    """Stand for `input`, as in a kernel that nobody sits before."""
    raise _nobody_there("raw_input")


def no_password(*_: object, **__: object) -> str:
    """Stand for `getpass.getpass`."""
    raise _nobody_there("getpass")


def _nobody_there(what: str) -> Exception:
    from ipykernel.kernelbase import StdinNotImplementedError  # type: ignore[attr-defined]

    return StdinNotImplementedError(f"{what} was called, but this frontend does not support input requests.")


def language_info() -> dict[str, Any]:
    """Return what a kernel of this Python says of its language."""
    return {
        "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": sys.version.split()[0],
    }
