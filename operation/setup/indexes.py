"""pip's settings, for uv: the same indexes, proxy and certificates under uv's names."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

LINE = re.compile(r"^(global|install)\.([A-Za-z0-9_-]+)=(.+)$", re.M)
QUIET = {"PIP_PROGRESS_BAR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_PROGRESS": "1"}
REDIRECTING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "UV_SYSTEM_PYTHON", "UV_PYTHON")


def pip_settings(python: Path) -> dict[str, str]:
    """Return pip's settings: those of its files, as `python` lists them, and those of PIP_* variables."""
    command = [str(python), "-I", "-m", "pip", "config", "list"]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    variables = {name[4:].lower().replace("_", "-"): name for name in os.environ if name.startswith("PIP_")}
    return {
        **parse_settings(answer.stdout.decode("utf-8", "replace")),
        **{option: os.environ[name] for option, name in variables.items() if option != "config-file"},
    }


def parse_settings(text: str) -> dict[str, str]:
    """Return option -> value of the output of ``pip config list``: section install wins over global."""
    settings = sorted(LINE.findall(text), key=lambda setting: str(setting[0]))
    return {option.replace("_", "-"): _literal(value) for _, option, value in settings}


def uv_variables(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that make uv look where pip looks.

    Parameters
    ----------
    settings : Mapping[str, str]
        Options by pip's names, as `pip_settings` returns them.
    """
    proxy = settings.get("proxy", "")
    variables = {
        # pip takes the best match of all indexes; uv by default trusts the first that knows the name
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join(_existing(settings.get("extra-index-url", ""))),
        "UV_FIND_LINKS": ",".join(_existing(settings.get("find-links", ""))),
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": settings.get("timeout", settings.get("default-timeout", "")),
        "UV_KEYRING_PROVIDER": "subprocess" if settings.get("keyring-provider") == "subprocess" else "",
        "SSL_CERT_FILE": settings.get("cert", ""),
        "SSL_CLIENT_CERT": settings.get("client-cert", ""),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
    }
    return {name: value for name, value in variables.items() if value}


def uv_options(settings: Mapping[str, str]) -> list[str]:
    """Return the options of uv for what has no environment variable."""
    is_on = settings.get("no-index", "").lower() in ("1", "true", "yes", "on", "y", "t")
    return ["--no-index"] if is_on else []


def installer_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip and uv: this one, pip's settings, nothing that installs elsewhere."""
    own = {name: value for name, value in os.environ.items() if name not in REDIRECTING}
    return {**uv_variables(settings), **own, "PIP_USER": "0", "PIP_NO_INPUT": "1", **QUIET}


def local_folder(location: str) -> Path | None:
    """Return the folder that a location in pip's settings names, None for an address."""
    if location.startswith("file:"):
        return Path(url2pathname(unquote(urlsplit(location).path)))
    return None if "://" in location else Path(location)


def index_of(settings: Mapping[str, str]) -> str:
    """Return the index that these settings name, as a message shows it."""
    if uv_options(settings):
        return "no-index is set; find-links: " + (settings.get("find-links") or "none")
    return "index-url " + hide_credentials(settings.get("index-url") or "of pip's default")


def hide_credentials(text: str) -> str:
    """Return `text` without the credentials that its addresses carry."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def _existing(locations: str) -> list[str]:
    """Leave out folders that do not exist: pip ignores them, uv stops."""
    folders = [(location, local_folder(location)) for location in locations.split()]
    return [location for location, folder in folders if folder is None or folder.exists()]


def _literal(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (SyntaxError, ValueError):
        return value
