"""Environment variables: which ones a capsule records, and which ones a replay gets."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from operation.engine.foundation.known_secrets import is_secret_name
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.secrets import MASK

# settings that change results or messages, harmless whatever their value
SETTINGS = {
    *("ENVIRONMENT", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE"),
    *(
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_MAX_THREADS",
        "CUDA_VISIBLE_DEVICES",
    ),
}
# what a process needs of the machine it runs on, never taken from a capsule
_MACHINE = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH"),
    *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "USERPROFILE"),
    *(
        "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE",
        "XDG_RUNTIME_DIR",
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
    ),
}
_LOADERS = re.compile(r"LD_|DYLD_|PYTHON|BASH|IFS$|ENV$|SHELL|JUPYTER|IPYTHON|WORKBENCH_")
_READ = re.compile(r"(?:environ(?:\.get\(|\[|\.setdefault\()|getenv\()\s*\\?[\"']([A-Za-z_]\w*)")
_DECLARED = re.compile(r"^\s+([A-Z][A-Z0-9_]*)\s*:", re.MULTILINE)


def recorded(names: Iterable[str], sources: Iterable[Path]) -> dict[str, str | None]:
    """Return the variables that are set and matter for a run, with their values; None for a secret.

    Parameters
    ----------
    names : iterable of str
        Variables that matter.
    sources : iterable of Path
        Scripts and notebooks: what they read by name matters too.
    """
    text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in sources)
    found = {*names, *_READ.findall(text)} & set(os.environ)
    return {name: None if is_secret_name(name) else os.environ[name] for name in sorted(found)}


def allowed(given: Mapping[str, str | None], here: Layout) -> dict[str, str]:
    """Return those of the variables in a capsule that a replay may have.

    They are settings that harm nothing, and variables of the configuration of the checkout `here`.
    """
    files = here.configuration.glob("configuration-*.yml")
    declared = {name for file in files for name in _DECLARED.findall(file.read_text(encoding="utf-8"))}
    names = {name for name in SETTINGS | declared if not _LOADERS.match(name) and name not in _MACHINE}
    return {name: value for name, value in given.items() if name in names and value and MASK not in value}


def of_this_machine() -> dict[str, str]:
    """Return what a process needs of this machine's environment."""
    return {name: value for name, value in os.environ.items() if name.upper() in _MACHINE}


def lacking(given: Mapping[str, str | None], has: Mapping[str, str]) -> list[str]:
    """Say which variables the run had and a replay with the variables `has` lacks."""
    return [
        f"environment variable {name} was set; give it yours with --pass {name}"
        for name in sorted(given)
        if name not in has
    ]
