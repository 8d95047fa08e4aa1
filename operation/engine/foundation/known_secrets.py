"""The secrets of this machine: from its environment, ``config.json``, ``.env`` and Git's remotes."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from operation.engine.foundation.layout import project
from operation.engine.foundation.secret_patterns import secrets_in

SHORTEST = 6  # what is shorter stands in ordinary text by chance
_NAME = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN(?!I)|CREDENTIAL|CONNECTION_?STRING|CONN_?STR|COOKIE|BEARER|WEBHOOK"
    r"|SIGNATURE|PWD$|_PAT$|(API|ACCESS|ACCOUNT|STORAGE|PRIVATE|PRIMARY|SECONDARY|MASTER|SHARED|SIGNING|SERVICE"
    r"|ENCRYPTION|FUNCTION|HOST|DEPLOY|LICENSE|SUBSCRIPTION|ACCOUNTS)KEYS?$"
    r"|(^|_)(PWD|PASS|PAT|SAS|AUTH|JWT|DSN|CREDS|HMAC|KEYS?)(_|$)"
)
_NO_SECRETS = {"PWD", "OLDPWD", "SSH_AUTH_SOCK", "DISABLE_AUTH", "AUTH_TYPE", "AUTH_METHOD", "AUTH_MODE"}
_FLAGS = {"true", "false", "none", "null", "auto", "enabled", "disabled", "required", "optional"}
_SECRET_KEYS = ("key", "password", "pwd", "secret", "token", "sig", "signature", "cookie", "credential")
# parts of connection strings, cookies and URLs that are no secret
_PUBLIC_KEYS = {
    *("server", "datasource", "host", "port", "driver", "database", "initialcatalog", "user", "userid"),
    *("username", "uid", "account", "accountname", "sharedaccesskeyname", "path", "domain", "expires"),
    *("max-age", "samesite", "version", "type", "scope", "sv", "se", "st", "sp", "sr", "ss", "srt", "spr"),
}

_NAMES_OF_AZURE = {"workspace_name", "resource_group"}


def is_secret_name(name: str) -> bool:
    """Tell whether an environment variable is a secret by its name."""
    return name not in _NO_SECRETS and _NAME.search(name.upper()) is not None


def known_secrets() -> tuple[str, ...]:
    """Return all values, with the pieces of structured ones, that must not leave this machine."""
    root = project().root
    files = (root / "config.json", root / ".env", root / ".git" / "config")
    return _known(tuple(os.environ.items()), root, tuple(map(_signature, files)))


def indistinct_secrets() -> dict[str, str]:
    """Return the secret variables whose value is an ordinary word or number, so that no mask is safe."""
    named = {name: value for name, value in os.environ.items() if is_secret_name(name)}
    return {name: value for name, value in named.items() if _is_indistinct(value)}


def _is_indistinct(value: str) -> bool:
    if len(value) < 4 or value.lower() in _FLAGS:  # a switch
        return False
    return len(value) < SHORTEST or (len(value) < 12 and (value.isalpha() or value.isdigit()))


def _signature(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return 0, 0
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4)
def _known(variables: tuple[tuple[str, str], ...], root: Path, _: object) -> tuple[str, ...]:
    secrets = set(_of_variables({**dict(_assignments(root / ".env")), **dict(variables)}))
    secrets |= {piece for text in _of_config_json(root) for piece in _pieces(text)}
    secrets |= {piece for text in secrets_in(_text(root / ".git" / "config")) for piece in _decoded(text)}
    return tuple(sorted(text for text in secrets if len(text) >= SHORTEST))


def _of_variables(variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in variables.items():
        if is_secret_name(name) and not _is_path(value) and value.lower() not in _FLAGS:
            yield from _pieces(value)
        else:
            for secret in secrets_in(value):
                yield from _decoded(secret)


def _is_path(value: str) -> bool:
    return len(value) < 1000 and os.path.isabs(value) and os.path.exists(value)  # noqa: PTH110, PTH117 - asked of every variable


def _pieces(value: str) -> Iterator[str]:
    """Yield a secret with its secret pieces: lines of a key, parts of a connection string, texts of JSON."""
    yield value
    for secret in secrets_in(value):
        yield from _decoded(secret)
    lines = [line.strip() for line in re.split(r"\\n|[\r\n]", value)]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= 16 and not line.startswith("-----"))
        yield "".join(line for line in lines if not line.startswith("-----"))
    yield from (text for text in _texts(_json(value)) if _is_telling(text) and "://" not in text)
    for part in re.split(r"[\s;,&|?]+", value):
        yield from _part(part)


def _part(part: str) -> Iterator[str]:
    key, separator, rest = part.partition("=")
    if not separator or not rest.strip("="):
        key, rest = "", part
    if key.lower() in _PUBLIC_KEYS or "endpoint" in key.lower():
        return
    if _is_telling(rest) or key.lower().endswith(_SECRET_KEYS):
        yield from _decoded(rest)
    user, colon, password = rest.rpartition(":")
    if colon and "/" not in user and len(password) >= SHORTEST:
        yield from _decoded(password)
    if _is_telling(rest):
        yield from _of_basic(rest)


def _of_basic(text: str) -> Iterator[str]:
    """Yield the password of base64("user:password")."""
    import base64

    try:
        plain = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return
    if ":" in plain and plain.isprintable():
        yield from (plain, plain.partition(":")[2])


def _decoded(secret: str) -> Iterator[str]:
    from urllib.parse import unquote

    for text in {secret, unquote(secret)}:
        yield from (text, text.strip().rstrip("="))


def _is_telling(text: str) -> bool:
    mixed = any(map(str.isdigit, text)) and any(map(str.isalpha, text))
    return len(text) >= 20 or (len(text) >= 8 and mixed)


def _assignments(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the variables that a ``.env`` file sets."""
    for line in _text(file).splitlines():
        name, separator, value = line.removeprefix("export ").partition("=")
        if separator and not name.lstrip().startswith("#"):
            yield name.strip(), value.strip().strip("\"'")


def _of_config_json(root: Path) -> set[str]:
    """Return the texts of ``config.json`` that the configuration, which Git keeps, does not hold too.

    Workspace and resource group are no secrets: messages name them.
    """
    content = _json(_text(root / "config.json"))
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if key not in _NAMES_OF_AZURE}
    texts = {text for text in _texts(content) if len(text) >= SHORTEST}
    files = (root / "configuration").glob("configuration-*.yml") if texts else ()
    public = "\n".join(_text(file) for file in files)
    return {text for text in texts if text not in public}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(text: str) -> object:
    try:
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else None
    except ValueError:
        return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(member)
