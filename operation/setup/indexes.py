"""pip's settings, for uv: the same indexes, proxy and certificates, told in uv's words."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

LINE = re.compile(r"^([^=\s]+)\.([A-Za-z0-9_-]+)=(.+)$")
SECTIONS = ("global", "install", ":env:")  # later ones win, as in pip
QUIET = {"PIP_PROGRESS_BAR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"}
TRUE = ("1", "true", "yes", "on", "y", "t")
ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "UV_SYSTEM_PYTHON", "UV_PYTHON")


def pip_settings(python: Path) -> dict[str, str]:
    """Return pip's settings as ``pip config list`` of `python` tells them, environment included."""
    answer = subprocess.run(
        [str(python), "-I", "-m", "pip", "config", "list"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return {**parse_settings(answer.stdout.decode("utf-8", "replace")), **_from_variables(os.environ)}


def parse_settings(text: str) -> dict[str, str]:
    """Return option -> value of the output of ``pip config list``, the section that wins applied."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for match in map(LINE.match, text.splitlines()):
        if match and match.group(1) in found:
            found[match.group(1)][match.group(2).replace("_", "-")] = _literal(match.group(3))
    return {key: value for section in SECTIONS for key, value in found[section].items()}


def uv_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make uv look where pip looks.

    Parameters
    ----------
    settings : Mapping[str, str]
        Options by pip's names, as `parse_settings` returns them.
    """
    proxy, certificate = settings.get("proxy", ""), settings.get("cert", "")
    wanted = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join(_present(settings.get("extra-index-url", "").split())),
        "UV_FIND_LINKS": ",".join(_present(settings.get("find-links", "").split())),
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": settings.get("timeout", settings.get("default-timeout", "")),
        "UV_KEYRING_PROVIDER": "subprocess" if settings.get("keyring-provider") == "subprocess" else "",
        "SSL_CERT_FILE": certificate,
        "SSL_CLIENT_CERT": settings.get("client-cert", ""),
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "ALL_PROXY": proxy,
    }
    told = {key: value for key, value in wanted.items() if value}
    # pip takes the best match of all indexes; uv by default trusts the first that knows the name.
    return {"UV_INDEX_STRATEGY": "unsafe-best-match", **told}


def uv_options(settings: Mapping[str, str]) -> list[str]:
    """Return the options of uv for what has no environment variable."""
    return ["--no-index"] if is_true(settings.get("no-index", "")) else []


def is_true(text: str) -> bool:
    """Return whether pip takes `text` for yes."""
    return text.lower() in TRUE


def installer_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip and uv: this one, pip's settings, nothing that leads elsewhere."""
    kept = {key: value for key, value in os.environ.items() if key not in ELSEWHERE}
    return {**uv_variables(settings), **kept, "PIP_USER": "0", "PIP_NO_INPUT": "1", **QUIET}


def _present(places: Sequence[str]) -> list[str]:
    """Leave out folders that do not exist: pip passes over them, uv stops."""
    return [place for place in places if _remote(place) or _folder(place).exists()]


def _remote(place: str) -> bool:
    return "://" in place and not place.startswith("file:")


def _folder(place: str) -> Path:
    if not place.startswith("file:"):
        return Path(place)
    return Path(url2pathname(unquote(urlsplit(place).path)))


def _literal(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value


def _from_variables(environment: Mapping[str, str]) -> dict[str, str]:
    names = {key: key[4:].lower().replace("_", "-") for key in environment if key.startswith("PIP_")}
    return {name: environment[key] for key, name in names.items() if name != "config-file"}


def index_of(settings: Mapping[str, str]) -> str:
    """Return the index that these settings name, as a message shows it."""
    if is_true(settings.get("no-index", "")):
        return "no-index is set; find-links: " + (settings.get("find-links") or "none")
    return "index-url " + hidden(settings.get("index-url") or "of pip's default")


def hidden(text: str) -> str:
    """Return `text` without the credentials that its addresses carry."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)
