"""Where packages come from, told to a builder as secrets: there while it installs, and in no layer."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from operation.setup.indexes import pip_settings

PLACES = ("index-url", "extra-index-url", "find-links")
KEPT = (*PLACES, "trusted-host", "proxy", "timeout", "default-timeout", "no-index")
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def own_settings() -> dict[str, str]:
    """Return pip's settings on this machine; its certificates are those of any client where pip has none."""
    settings = pip_settings(Path(sys.executable))
    known = [settings["cert"]] if settings.get("cert") else []
    known += [os.environ[name] for name in CERTIFICATES if os.environ.get(name)]
    return {**settings, "cert": known[0]} if known else settings


def write_secrets(settings: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """Write the files that the Dockerfile mounts as secrets; return them by their ids."""
    lines = [f"{name} = {' '.join(settings[name].split())}" for name in KEPT if settings.get(name)]
    secrets = {"pip.conf": folder / "pip.conf"}
    secrets["pip.conf"].write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    secrets["pip.conf"].chmod(0o600)
    if certificates := settings.get("cert"):
        secrets["ca.pem"] = Path(certificates)
    return secrets


def local_folders(settings: Mapping[str, str]) -> list[Path]:
    """Return the folders of this machine that the settings name: a builder must be given them, to be read."""
    found = set()
    for option in PLACES:
        for place in settings.get(option, "").split():
            folder = _folder(place)
            if folder and folder.is_dir():
                # an index is a folder of pages whose links lead to files beside it
                found.add(folder if option == "find-links" else folder.parent)
    return sorted(found)


def _folder(place: str) -> Path | None:
    if place.startswith("file:"):
        return Path(url2pathname(unquote(urlsplit(place).path)))
    return None if "://" in place else Path(place)
