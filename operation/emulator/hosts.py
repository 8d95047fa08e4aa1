"""Names of hosts that lead here; those of storage accounts and vaults become paths."""

import re
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

# a name that is reserved for testing: it never leads anywhere else; azure-storage-blob reads the name
# of the account from what stands before ".blob.core."
SUFFIX = "core.emulator.test"
ARM = "management.azure.com"  # built into the newer SDK, which the dataset engine asks first
TELEMETRY = "dc.services.visualstudio.com"  # built into every SDK and its native engine
KINDS = ("blob", "dfs", "file", "queue", "table", "vault")
_OWN_HOST = re.compile(rf"(?P<account>[^.]+)\.(?P<kind>{'|'.join(KINDS)})\.{re.escape(SUFFIX)}(:\d+)?", re.I)


def is_ours(host: str) -> bool:
    """Return whether the service is what answers to a host's name."""
    return host.lower() in (ARM, TELEMETRY) or host.lower().endswith(f".{SUFFIX}")


def hosts() -> list[str]:
    """Return the names that the service answers to."""
    return ["localhost", "127.0.0.1", ARM, TELEMETRY, *(f"*.{kind}.{SUFFIX}" for kind in KINDS)]


class Hosts:
    """Give calls to ``{account}.{kind}.<suffix>/...`` to `app` as ``/{kind}/{account}/...``.

    Doubled slashes and one at the end are left out elsewhere, since the SDK writes both.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            scope = {**scope, "path": rewritten(host, scope["path"])}
        await self.app(scope, receive, send)


def rewritten(host: str, path: str) -> str:
    """Return the path under which the application knows `path` of `host`."""
    match = _OWN_HOST.fullmatch(host)
    if match:
        return f"/{match['kind'].lower()}/{match['account']}{path}"
    return re.sub("//+", "/", path).rstrip("/") or "/"


def blob_url(account: str, container: str, path: str) -> str:
    """Return the address of a blob, without a signature.

    As in Azure's documents, a space in it is a space: the SDK quotes the path itself before it uploads.
    """
    return f"https://{account}.blob.{SUFFIX}/{container}/{re.sub('[%?#]', lambda sign: quote(sign[0]), path)}"


def storage_account(workspace: str) -> str:
    """Return the name of a workspace's storage account: 3 to 24 lower-case letters and digits."""
    plain = "".join(letter for letter in workspace.lower() if letter.isascii() and letter.isalnum())
    return f"sa{plain.removeprefix('aml')}"[:24].ljust(3, "0")
