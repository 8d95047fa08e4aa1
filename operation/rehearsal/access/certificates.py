"""The service's own authority and certificate: kept with the state, trusted by nobody else."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme

# a name that is reserved for testing: it never leads anywhere else; azure-storage-blob reads the name
# of the account from what stands before ".blob.core."
SUFFIX = "core.rehearsal.test"
ARM = "management.azure.com"  # built into the newer SDK, which the dataset engine asks first
TELEMETRY = "dc.services.visualstudio.com"  # built into every SDK and its native engine
KINDS = ("blob", "dfs", "file", "queue", "table", "vault")


def hosts() -> list[str]:
    """Return the names that the service answers to."""
    return ["localhost", "127.0.0.1", ARM, TELEMETRY, *(f"*.{kind}.{SUFFIX}" for kind in KINDS)]


def ensure(folder: Path) -> tuple[Path, Path]:
    """Return the service's certificate with its key, and the bundle that a client trusts.

    Both are made where they are missing. The bundle holds, beside our authority, those that the
    client trusted already, since one variable names the bundle for all that a process asks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificate, bundle, names = folder / "service.pem", folder / "trusted.pem", folder / "hosts.txt"
    if not names.exists() or names.read_text(encoding="utf-8").split() != hosts():
        authority = trustme.CA(organization_name="Azure ML rehearsal", organization_unit_name="loopback only")
        authority.issue_cert(*hosts()).private_key_and_cert_chain_pem.write_to_path(str(certificate))
        bundle.write_bytes(_trusted_already() + authority.cert_pem.bytes())
        certificate.chmod(0o600)
        names.write_text("\n".join(hosts()), encoding="utf-8")
    return certificate, bundle


def _trusted_already() -> bytes:
    context = ssl.create_default_context()
    chosen = os.environ.get("REQUESTS_CA_BUNDLE")
    if chosen:
        context.load_verify_locations(chosen)
    authorities = context.get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, authorities)).encode()
