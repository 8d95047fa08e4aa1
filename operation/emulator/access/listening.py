"""Ports on loopback, and the certificate that is shown there: kept with the state, trusted by nobody else."""

import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from operation.emulator.hosts import hosts
from operation.engine.foundation.errors import WorkbenchError


def socket_on(port: int) -> socket.socket:
    """Return a socket that listens on loopback: on `port` where it is free, else on a free one."""
    for candidate in (port, 0):
        with suppress(OSError):
            return _bound(socket.AF_INET, "127.0.0.1", candidate)
    raise WorkbenchError("no port is free on 127.0.0.1. End what holds them and start the emulator again.")


def ipv6_sockets(port: int) -> list[socket.socket]:
    """Return a socket on the same port of the newer loopback address, where there is one.

    Clients try it first, and on Windows wait two seconds at every call where nothing answers.
    """
    with suppress(OSError):
        return [_bound(socket.AF_INET6, "::1", port)]
    return []


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    if os.name != "nt":  # there it would let two processes share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


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


def certificate(folder: Path, apart: str) -> Path:
    """Return the service's certificate with its key; beside it is ``trusted.pem``, which a client trusts.

    Both are made where they are missing. Where `apart` names hosts that are asked without our proxy, the
    bundle holds, beside our authority, those that the client trusted already, since one variable names it
    for all that a process asks. Elsewhere ours is alone: each connection of the SDK reads the bundle anew.
    """
    import trustme

    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the keys in it are the service's alone
    pem, bundle, names = folder / "service.pem", folder / "trusted.pem", folder / "hosts.txt"
    elsewhere = sorted(set(apart.split(",")) - set(hosts()))
    asked = [*hosts(), *elsewhere]
    if not names.exists() or names.read_text(encoding="utf-8").splitlines() != asked:
        authority = trustme.CA(organization_name="Azure ML emulator", organization_unit_name="loopback only")
        authority.issue_cert(*hosts()).private_key_and_cert_chain_pem.write_to_path(str(pem))
        others = _trusted_already() if elsewhere else b""
        bundle.write_bytes(others + authority.cert_pem.bytes())
        names.write_text("\n".join(asked), encoding="utf-8")
    return pem


def _trusted_already() -> bytes:
    context = ssl.create_default_context()
    chosen = os.environ.get("REQUESTS_CA_BUNDLE")
    if chosen:
        context.load_verify_locations(chosen)
    authorities = context.get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, authorities)).encode()
