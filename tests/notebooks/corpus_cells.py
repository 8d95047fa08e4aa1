"""Ways to fail of a notebook of its own, whose cells need no step of the use case."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.notebooks.corpus import OWN, Failure, both, edit, script


def book(*codes: str, parameters: str = "", **files: str) -> Callable[[Path], None]:
    """Return a change: a notebook `OWN` of cells with `codes`, and `files` of ``src/`` by their stems."""

    def change(root: Path) -> None:
        source = json.loads((root / "notebooks" / "04-evaluate-model.ipynb").read_text(encoding="utf-8"))
        title, first = source["cells"][:2]
        cells = [{**first, "source": "".join(first["source"]) + parameters}]
        cells += [
            {**first, "id": f"own-{i}", "metadata": {}, "source": dedent(code).strip()}
            for i, code in enumerate(codes)
        ]
        content = json.dumps({**source, "cells": [title, *cells]})
        (root / "notebooks" / f"{OWN}.ipynb").write_text(content, encoding="utf-8")
        for name, code in files.items():
            (root / "src" / f"{name}.py").write_text(dedent(code).lstrip(), encoding="utf-8")
        edit("configuration/configuration-flights.yml", "notebooks:\n", f"notebooks:\n  - name: {OWN}\n")(
            root
        )

    return change


def own(*codes: str, told: tuple[str, str, str], words: Sequence[str] = (), **options: Any) -> Failure:
    """Return a failure of a notebook of its own; `told` are type, part of the message and of the line."""
    files = options.pop("files", {})
    change = book(*codes, parameters=options.pop("parameters", ""), **files)
    change = both(change, options.pop("broken", lambda _: None))
    return Failure(change, ["--notebook", OWN, *words], *told, **options)


SRC = "import sys\nsys.path.insert(0, '../src')"
PICTURE = """
class Picture:
    def {hook}(self):
        raise ValueError("cannot be drawn")
"""
GROUP = "raise ExceptionGroup('several', [ValueError('one'), KeyError('two')])"
DIVISION = ("ZeroDivisionError", "division by zero")
CELLS = {
    "function of an earlier cell": own(
        "def inverse(x):\n    y = x\n\n    return 1 / y",
        "a = 1",
        "b = 2\ninverse(0)",
        told=(*DIVISION, "inverse(0)"),
    ),
    "helper module of src": own(
        SRC,
        "import helpful\n\nhelpful.go()",
        told=("KeyError", "'lost'", "raise KeyError"),
        files={"helpful": "def go():\n    x = 1\n    raise KeyError('lost')"},
        file="src/helpful.py",
        cell="helpful.go()",
    ),
    "at import": own(
        SRC,
        "a = 1\nimport broken",
        told=("RuntimeError", "at import", "raise RuntimeError"),
        files={"broken": "x = 1\nraise RuntimeError('at import')"},
        file="src/broken.py",
        cell="import broken",
        mended=("src/broken.py", "raise RuntimeError('at import')", ""),
    ),
    "syntax error": own("a = 1\nb = 3 3", told=("SyntaxError", "invalid syntax", "b = 3 3")),
    "syntax error of a text": own("a = 1\nexec('b = 3 3')", told=("SyntaxError", "invalid syntax", "exec(")),
    "async cell": own(
        "import asyncio\nasync def late():\n    await asyncio.sleep(0)\n"
        "    raise ValueError('later')\nawait late()",
        told=("ValueError", "later", "raise ValueError('later')"),
    ),
    "display": own(
        PICTURE.format(hook="_repr_png_") + "for _ in range(2):\n    display(Picture())",
        "print('the next')",
        "print('and the next')",
        told=("ValueError", "cannot be drawn", "raise ValueError"),
    ),
    "display of an object of an earlier cell": own(
        PICTURE.format(hook="_repr_png_"),
        "picture = Picture()",
        "display(picture)\nprint('shown')",
        "print('the next')",
        told=("ValueError", "cannot be drawn", "display(picture)"),
    ),
    "value of a cell": own(
        PICTURE.format(hook="_repr_html_"),
        "x = 1\nPicture()",
        told=("ValueError", "cannot be drawn", "Picture()"),
    ),
    "display, then another error": own(
        PICTURE.format(hook="_repr_html_") + "display(Picture())",
        "int('forty')",
        told=("ValueError", "invalid literal for int() with base 10: 'forty'", "int('forty')"),
    ),
    "display, then the kernel died": own(
        PICTURE.format(hook="_repr_html_") + "display(Picture())",
        "import os\nos._exit(3)",
        told=("DeadKernelError", "exit code 3", ""),
        cell="os._exit(3)",
    ),
    "cell magic": own("%%time\na = 1\nb = a / 0", told=(*DIVISION, "b = a / 0")),
    "captured cell": own("%%capture\na = 1\nb = a / 0", told=(*DIVISION, "b = a / 0")),
    "magics before the line": own(
        "%matplotlib inline\n!true\n%time a = 1\nb = a / 0", told=(*DIVISION, "b = a / 0")
    ),
    "unknown magic": own(
        "a = 1\n%time b = 2\n%no_such_magic 3",
        told=("UsageError", "Line magic function `%no_such_magic` not found.", "%no_such_magic"),
    ),
    "script by %run": own(
        "a = 1\n%run ../src/script.py",
        told=("OSError", "from a script", "raise OSError"),
        files={"script": "x = 1\nif x:\n    raise OSError('from a script')"},
        file="src/script.py",
        cell="%run",
    ),
    "exit code of a shell": own(
        "!exit 3\nassert _exit_code == 0, _exit_code", told=("AssertionError", "3", "assert _exit_code")
    ),
    "cell of a shell": own(
        "%%bash\nexit 3", told=("CalledProcessError", "returned non-zero exit status 3", "%%bash")
    ),
    "child process of a cell": own(
        "import subprocess\nimport sys\n"
        "subprocess.run([sys.executable, '-c', 'raise SystemExit(4)'], check=True)",
        told=("CalledProcessError", "returned non-zero exit status 4", "check=True"),
    ),
    "exec": own("a = 1\nexec('b = 1\\n1 / 0')", told=(*DIVISION, "exec(")),
    "eval": own("a = 1\n\neval('1 / 0')", told=(*DIVISION, "eval(")),
    "thread": own(
        "from concurrent.futures import ThreadPoolExecutor",
        "def look_up():\n    return {}['k']\n"
        "with ThreadPoolExecutor() as pool:\n    pool.submit(look_up).result()",
        told=("KeyError", "'k'", "return {}['k']"),
    ),
    "process of a pool": own(
        "from multiprocessing import get_context\ndef inverse(x):\n    return 1 / x\n"
        "with get_context('fork').Pool(1) as pool:\n    pool.map(inverse, [0])",
        told=(*DIVISION, "pool.map("),
    ),
    "raised from another": own(
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('second') from error",
        told=("ValueError", "second", "raise ValueError"),
    ),
    "raised while another was handled": own(
        "def fall():\n    return {}['first']",
        "try:\n    fall()\nexcept KeyError:\n    int('second')",
        told=("ValueError", "invalid literal for int() with base 10: 'second'", "int('second')"),
    ),
    "group of exceptions": own(
        f"a = 1\n{GROUP}", told=("ExceptionGroup", "several (2 sub-exceptions)", "raise")
    ),
    "raised after a group": own(
        f"try:\n    {GROUP}\nfinally:\n    int('third')",
        told=("ValueError", "invalid literal for int() with base 10: 'third'", "int('third')"),
    ),
    "no message": own("a = 1\nraise ValueError", told=("ValueError", "ValueError", "raise ValueError")),
    "message of several lines": own(
        "raise ValueError('one\\ntwo\\n\\nthree')", told=("ValueError", "one\ntwo\n\nthree", "raise")
    ),
    "message like a traceback": own(
        "a = 1\nraise ValueError('x\\nCell In[1], line 99\\nFile /src/x.py:3')",
        told=("ValueError", "x\nCell In[1], line 99\nFile /src/x.py:3", "raise"),
    ),
    "very long message": own("raise ValueError('long ' * 40_000)", told=("ValueError", "long long", "raise")),
    "message in colours": own(
        "raise ValueError('\\x1b[31mred\\x1b[0m alert')", told=("ValueError", "red alert", "raise")
    ),
    "message that is no text": own("raise ValueError(3, ['x'])", told=("ValueError", "(3, ['x'])", "raise")),
    "type of the notebook": own(
        "class OddError(Exception):\n    pass",
        "raise OddError('odd')",
        told=("OddError", "odd", "raise OddError"),
    ),
    "exit of a cell": own("import sys\na = 1\nsys.exit('over')", told=("SystemExit", "over", "sys.exit")),
    "interrupt of a cell": own(
        "a = 1\nraise KeyboardInterrupt",
        told=("KeyboardInterrupt", "KeyboardInterrupt", "raise KeyboardInterrupt"),
    ),
    "kernel left": own(
        "import os",
        "os._exit(3)",
        told=("DeadKernelError", "exit code 3 in cell In [4]", ""),
        cell="os._exit",
    ),
    "crash of a cell": own(
        "import ctypes\na = 1\nctypes.string_at(0)", told=("DeadKernelError", "SIGSEGV", "ctypes.string_at")
    ),
    "time limit": own(
        "import time\nwhile True:\n    time.sleep(0.1)",
        told=("CellTimeoutError", "timed out", "time.sleep(0.1)"),
        words=["--cell-seconds", "2"],
    ),
    "memory limit": own(
        "a = 1\nrows = bytearray(9_000_000_000)",
        told=("MemoryError", "MemoryError", "rows = bytearray"),
        words=["--megabytes", "4000"],
    ),
    "parameters cell": own(
        "1",
        told=("NameError", "name 'share' is not defined", "rate"),
        parameters="\nrate: share = 0.5  # a rate",
    ),
    "warning as error": own(
        "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('loud')",
        told=("UserWarning", "loud", "warnings.warn"),
    ),
    "the same cell twice": own(
        *["n = globals().get('n', 0) + 1\nassert n < 2, 'twice'"] * 2,
        told=("AssertionError", "twice", "assert"),
    ),
    "bad data": own(
        "import io\nimport pandas\nrows = pandas.read_csv(io.StringIO('a\\n1\\nx'))\nrows['a'].astype(int)",
        told=("ValueError", "invalid literal for int() with base 10: 'x'", "astype(int)"),
    ),
    "caught failure of a step, then the same of a cell": own(
        "import core\ncore.use(use_case, environment)",
        "try:\n    core.ingest(fresh=True)\nexcept ValueError:\n    caught = True",
        "assert caught\nraise ValueError('no rows')",
        told=("ValueError", "no rows", "raise ValueError('no rows')"),
        broken=script("ingest", "raise ValueError('no rows')"),
    ),
    "caught failure of a step, then another": own(
        "import core\ncore.use(use_case, environment)",
        "try:\n    core.ingest(fresh=True)\nexcept ValueError:\n    caught = True",
        "assert caught\nint('x')",
        told=("ValueError", "invalid literal for int() with base 10: 'x'", "int('x')"),
        broken=script("ingest", "raise ValueError('no rows')"),
    ),
    "cell by nbclient": own(
        "a = 1\nb = a / 0", told=(*DIVISION, "b = a / 0"), words=["--engine", "nbclient"]
    ),
    "display by nbclient": own(
        PICTURE.format(hook="_repr_png_") + "display(Picture())",
        "print('the next')",
        told=("ValueError", "cannot be drawn", "raise ValueError"),
        words=["--engine", "nbclient"],
    ),
    "group by nbclient": own(
        f"a = 1\n{GROUP}",
        told=("ExceptionGroup", "several (2 sub-exceptions)", "raise"),
        words=["--engine", "nbclient"],
    ),
    "exit by nbclient": own(
        "a = 1\nraise SystemExit(7)",
        told=("SystemExit", "7", "raise SystemExit"),
        words=["--engine", "nbclient"],
    ),
    "kernel left by nbclient": own(
        "import os\na = 1",
        "os._exit(3)",
        told=("DeadKernelError", "Kernel died", ""),
        cell="os._exit(3)",
        words=["--engine", "nbclient"],
    ),
}
