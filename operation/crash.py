"""The crash log: what a person needs to report a defect of the workbench."""

import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from operation.engine.foundation.layout import project
from operation.engine.foundation.secrets import masked


def write_crash_log(error: BaseException, arguments: Sequence[str]) -> Path:
    """Write the traceback of `error` and the versions to a new file and return its path.

    The file is ``runs/crash-<time>.log``, or in the folder for temporary files where runs/ cannot
    be written. Known secrets are masked.
    """
    text = masked(_text(error, arguments))
    name = f"crash-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}.log"
    try:
        project().runs.mkdir(exist_ok=True)
        path = project().runs / name
        path.write_text(text, encoding="utf-8")
    except OSError:
        path = Path(tempfile.gettempdir()) / name
        path.write_text(text, encoding="utf-8")
    return path


def _text(error: BaseException, arguments: Sequence[str]) -> str:
    trace = "".join(traceback.format_exception(error))
    return (
        f"command: python3 -m operation {' '.join(arguments)}\n"
        f"python: {platform.python_version()} ({sys.executable})\n"
        f"platform: {platform.platform()}\n\n{trace}"
    )
