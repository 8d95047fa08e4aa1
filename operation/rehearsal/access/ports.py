"""Ports on loopback: taking one, and asking whether a rehearsal of ours answers on one."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from operation.engine.errors import WorkbenchError


def listening(port: int) -> socket.socket:
    """Return a socket that listens on loopback: on `port` where it is free, else on a free one.

    Raises
    ------
    WorkbenchError
        When no port is free.
    """
    for wanted in (port, 0):
        with suppress(OSError):
            return _bound(socket.AF_INET, "127.0.0.1", wanted)
    raise WorkbenchError("no port is free on 127.0.0.1. End what holds them and start the rehearsal again.")


def beside(port: int) -> list[socket.socket]:
    """Return a socket on the same port of the newer loopback address, where there is one.

    Clients try it first, and on Windows wait two seconds at every call where nothing answers.
    """
    with suppress(OSError):
        return [_bound(socket.AF_INET6, "::1", port)]
    return []


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family)
    if os.name != "nt":  # there it would let two processes share a port
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def answers(port: int, bundle: Path) -> bool:
    """Return whether a service whose certificate `bundle` vouches for answers on `port`."""
    try:
        context = ssl.create_default_context(cafile=str(bundle))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            return True
    except OSError:  # refused, silent, or somebody else's certificate
        return False
