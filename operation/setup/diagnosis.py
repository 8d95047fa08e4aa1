"""Why an installation failed, in a sentence that names what to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from operation.setup.errors import NoSpace, SetupError
from operation.setup.indexes import is_true

FULL = re.compile(
    r"No space left on device|os error 28|Errno 28|not enough space on the disk|os error 112", re.I
)
UNREACHABLE = re.compile(
    r"connection broken|NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|"
    r"error sending request|dns error|tcp connect|Connection refused|timed out|CERTIFICATE_VERIFY_FAILED|"
    r"invalid peer certificate|SSLError|network (?:is )?unreachable|connectivity is disabled",
    re.I,
)
MISSING = re.compile(
    r"No matching distribution found for (\S+)|No solution found|not found in the package registry", re.I
)
HASH = re.compile(r"THESE PACKAGES DO NOT MATCH THE HASHES|Hash mismatch", re.I)
TAIL = 15


def failure(output: str, settings: Mapping[str, str], log: Path, venv: Path) -> SetupError:
    """Return the error that says why the installer with this `output` failed.

    Parameters
    ----------
    output : str
        What the installer printed.
    settings : Mapping[str, str]
        pip's settings, to name the index in question.
    log, venv : Path
        The log file and the environment, to name them.
    """
    where = f"The installer's output is in {log}."
    if FULL.search(output):
        return no_space(venv)
    if HASH.search(output):
        return SetupError(
            "an index offered a file whose content is not what requirements.lock pins, and it was not "
            f"installed. Ask whoever runs the index ({_index(settings)}). {where}"
        )
    if UNREACHABLE.search(output):
        return SetupError(
            f"no package index can be reached ({_index(settings)}): {_first(UNREACHABLE, output)}\n"
            "Look at `pip config list`, PIP_INDEX_URL and, behind a proxy, HTTPS_PROXY and PIP_CERT; "
            f"then run the same command again. {where}"
        )
    if MISSING.search(output):
        return SetupError(
            f"the package index ({_index(settings)}) lacks what requirements.lock pins: "
            f"{_first(MISSING, output)}\nLook at `pip config list` and PIP_INDEX_URL. {where}"
        )
    tail = "\n  ".join(output.strip().splitlines()[-TAIL:])
    return SetupError(f"the packages could not be installed. {where} It ends with:\n  {tail}")


def no_space(venv: Path) -> NoSpace:
    """Return the error for a disk that filled up."""
    return NoSpace(
        f"no space is left on the disk of {venv} (or of the folder for temporary files). "
        "Free some and run the same command again: it starts over."
    )


def _index(settings: Mapping[str, str]) -> str:
    if is_true(settings.get("no-index", "")):
        return "no-index is set; find-links: " + (settings.get("find-links") or "none")
    return "index-url " + hidden(settings.get("index-url") or "of pip's default")


def hidden(url: str) -> str:
    """Return `url` without the credentials that it may carry."""
    return re.sub(r"//[^/@]+@", "//***@", url)


def reason(output: str) -> str:
    """Return the line of `output` that most looks like the reason, shortened."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()] or lines or ["it gave no reason"]
    return hidden(telling[0])[:200]


def _first(pattern: re.Pattern[str], output: str) -> str:
    line = next(line for line in output.splitlines() if pattern.search(line))
    return hidden(line.strip())[:300]
