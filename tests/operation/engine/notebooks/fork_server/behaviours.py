"""Small notebooks, one behaviour each: what every engine must do the same way."""

# ruff: noqa: E501 - a cell stands in one piece

from __future__ import annotations

from textwrap import dedent
from typing import Any

PLOT = "import matplotlib.pyplot as plt\n"

BEHAVIOURS: dict[str, list[str]] = {
    # text
    "print": ["print('one')\nprint('two', end='')\nprint()"],
    "print to stderr": ["import sys\nprint('wrong', file=sys.stderr)"],
    "both streams": ["import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')"],
    "no newline at the end": ["print('x', end='')", "print('y', end='')"],
    "unicode": ["print('héllo ☃ 𝄞')\n'𝄞'"],
    "carriage returns": ["for i in range(3):\n    print(f'{i} of 3', end='\\r')"],
    "colours": ["print('\\x1b[31mred\\x1b[0m')"],
    "many lines": ["for i in range(5000):\n    print(i)"],
    "one long line": ["print('x' * 300_000)"],
    "what writing returns": [
        "import sys\nsys.stdout.write('four\\n')",
        "sys.stdout.isatty(), sys.stdout.encoding",
    ],
    "redirected": [
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as kept:\n    print('in')\nkept.getvalue()"
    ],
    "output of os.system": ["import os\nos.system('echo out; echo err >&2');"],
    "output of a child process": ["import subprocess\nsubprocess.run(['echo', 'child']);"],
    "output of C code": [
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.printf(b'from C\\n')\nlibc.fflush(None);"
    ],
    "a write to descriptor 1": ["import os\nos.write(1, b'raw\\n');"],
    "print of a thread": [
        "import threading\nt = threading.Thread(target=print, args=('thread',))\nt.start()\nt.join()"
    ],
    "print of a forked process": [
        "import multiprocessing as m\np = m.get_context('fork').Process(target=print, args=('fork', ), kwargs={'flush': True})"
        "\np.start()\np.join()\np.exitcode"
    ],
    "warning": ["import warnings\nwarnings.warn('mind this')"],
    "warning of an import's line": [
        "import warnings\nwarnings.simplefilter('always')\nwarnings.warn('old', DeprecationWarning)"
    ],
    "logging": ["import logging\nlogging.warning('careful')\nlogging.info('silent')"],
    # results
    "result": ["1 + 1"],
    "no result after a semicolon": ["1 + 1;"],
    "result used later": ["6 * 7", "_ + 1", "Out[1], _1, In[1]"],
    "pretty printed": ["{'b': list(range(40)), 'a': {'nested': ['x' * 30] * 4}}"],
    "long list": ["list(range(2000))"],
    "None": ["None", "print(None)"],
    "data frame": ["import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': [.5, None]}, index=['x', 'y'])"],
    "series": ["import pandas as pd\npd.Series([1.5, 2], name='s')"],
    "array": ["import numpy as np\nnp.arange(12.0).reshape(3, 4)"],
    "html repr": ["class A:\n    def _repr_html_(self):\n        return '<b>a</b>'\nA()"],
    "mime bundle": [
        "class A:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/plain': 'a', 'application/json': {'n': [1, None]}}, {'application/json': {'expanded': True}}\nA()"
    ],
    "own display": ["class A:\n    def _ipython_display_(self):\n        print('shown')\nA()"],
    "repr that fails": [
        "class A:\n    def __repr__(self):\n        raise ValueError('no repr')\nA()",
        "print('on')",
    ],
    "html repr that fails": [
        "class A:\n    def _repr_html_(self):\n        raise ValueError('no html')\n    def __repr__(self):\n        return 'plain'\nA()",
        "2",
    ],
    # displays
    "display": ["display(1, 'two', [3])\nprint('after')"],
    "display between prints": ["print('a')\ndisplay('b')\nprint('c')\ndisplay('d')"],
    "html, markdown, latex": [
        "from IPython.display import HTML, Latex, Markdown\ndisplay(HTML('<i>h</i>'), Markdown('**m**'), Latex('$x$'))"
    ],
    "svg and json": [
        "from IPython.display import JSON, SVG\ndisplay(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'), JSON({'a': 1}))"
    ],
    "image bytes": [
        "import base64\nfrom IPython.display import Image\n"
        "Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='))"
    ],
    "javascript": ["%%javascript\nelement.text('x')"],
    "raw mime": [
        "display({'text/plain': 'p', 'text/csv': 'a,b'}, raw=True, metadata={'text/csv': {'sep': ','}})"
    ],
    "update of a display": ["h = display('first', display_id='one')\nh.update('second')"],
    "update in a later cell": [
        "h = display('first', display_id='two')",
        "print('x')\nh.update('later')",
        "display('again', display_id='two')",
    ],
    "clear output": [
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')"
    ],
    "clear output when the next comes": [
        "from IPython.display import clear_output\nfor i in range(3):\n    clear_output(wait=True)\n    print(i)",
        "print('kept')\nclear_output(wait=True)",
    ],
    # plots
    "plot": [PLOT + "plt.plot([1, 2, 3])\nplt.show()"],
    "plot without show": [PLOT + "plt.plot([1, 2, 3])\nprint('before the picture')"],
    "matplotlib inline": [
        "%matplotlib inline\n" + PLOT + "fig, ax = plt.subplots()\nax.bar([1, 2], [3, 4]);"
    ],
    "two plots": [PLOT + "for n in (1, 2):\n    plt.figure()\n    plt.plot([n])", "plt.get_fignums()"],
    "figure as result": [PLOT + "fig, ax = plt.subplots()\nplt.close(fig)\nfig"],
    "backend": [PLOT + "plt.get_backend(), plt.isinteractive()"],
    "retina": [
        "%config InlineBackend.figure_format = 'svg'\n"
        + PLOT
        + "import matplotlib\nmatplotlib.rcParams['svg.hashsalt'] = 'x'\nplt.figure()\nplt.close()\n1"
    ],
    # errors
    "error": ["print('before')\n1 / 0", "print('never')"],
    "error in a function": ["def f(x):\n    y = x - 1\n    return 1 / y\n\nf(1)"],
    "error in another cell's function": ["def f(x):\n    return 1 / x", "f(0)"],
    "error in a library": ["import json\njson.loads('{')"],
    "syntax error": ["print('a')\nx = = 1"],
    "indentation error": ["if True:\nprint(1)"],
    "unknown name": ["value = 1\nvalu"],
    "cause and context": [
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('second') from e"
    ],
    "notes": ["e = ValueError('noted')\ne.add_note('a note')\nraise e"],
    "error group": ["raise ExceptionGroup('several', [ValueError('a'), TypeError('b')])"],
    "own error": ["class Odd(Exception):\n    def __str__(self):\n        return 'odd ☃'\nraise Odd(1, 2)"],
    "assertion": ["assert 1 == 2, 'not equal'"],
    "interrupt raised": ["raise KeyboardInterrupt"],
    "interrupt sent": ["import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)"],
    "sys.exit": ["import sys\nsys.exit()", "print('never')"],
    "sys.exit with a code": ["import sys\nsys.exit(3)"],
    "sys.exit with words": ["import sys\nsys.exit('enough')"],
    "an expected error": ["#raises-exception\n1 / 0", "print('goes on')"],
    "short tracebacks": ["%xmode Minimal", "1 / 0"],
    "input": ["input('name? ')"],
    "getpass": ["from getpass import getpass\ngetpass()"],
    # cells
    "state": ["a = 1", "a += 1\na", "a"],
    "empty cells": ["", "  \n", "# only a comment", "1"],
    "a skipped cell": ["#skip-execution\nraise ValueError", "1"],
    "name of the module": ["__name__", "import sys\nsys.modules['__main__'].__dict__ is globals()"],
    "pickled class": ["import pickle\nclass P:\n    x = 1\npickle.loads(pickle.dumps(P())).x"],
    "search path": ["import sys\n'' in sys.path, sys.argv[0].endswith('ipykernel_launcher.py')"],
    "shell": ["type(get_ipython())", "'IPKernelApp' in get_ipython().config"],
    "environment": ["import os\n{k: os.environ.get(k) for k in ('MPLBACKEND', 'PAGER', 'TERM', 'CLICOLOR')}"],
    # asynchronous
    "await": ["import asyncio\nawait asyncio.sleep(0.01)\nprint('slept')\n7"],
    "gather": [
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x\nawait asyncio.gather(*map(f, range(3)))"
    ],
    "task of an earlier cell": [
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 'done'\ntask = asyncio.create_task(f())",
        "await task",
    ],
    "async with and for": [
        "import contextlib\n@contextlib.asynccontextmanager\nasync def c():\n    yield 1\nasync def g():\n    yield 2\n"
        "async with c() as x:\n    async for y in g():\n        print(x, y)"
    ],
    "running loop": ["import asyncio\nasyncio.get_running_loop().is_running()"],
    "asyncio.run": ["import asyncio\nasync def f():\n    return 1\nasyncio.run(f())"],
    "async error": ["import asyncio\nasync def f():\n    raise ValueError('later')\nawait f()"],
    # magics
    "shell line": ["!echo hi; echo oops >&2", "_exit_code"],
    "shell line kept": ["x = !echo a; echo b\nx"],
    "shell line with a variable": ["name = 'world'\n!echo hello {name} $name"],
    "bash": ["%%bash\necho one\necho two >&2"],
    "bash that fails": ["%%bash\necho before\nexit 3"],
    "python in a child": ["%%python\nprint('child')"],
    "capture": ["%%capture kept\nprint('inside')\ndisplay('shown')", "kept.stdout, len(kept.outputs)"],
    "timeit": ["%timeit -n1 -r1 -q 1", "r = %timeit -n1 -r1 -q -o 1\ntype(r).__name__"],
    "time": ["%time x = 1\nx", "%%time\nprint('timed')"],
    "cell timeit": ["%%timeit -n1 -r1 -q\nsum(range(10))"],
    "run a script": [
        "%%writefile made_here.py\nprint('script', __name__)\nvalue = 3",
        "%run made_here.py\nvalue",
    ],
    "html cell": ["%%html\n<b>bold</b>", "%%markdown\n# t", "%%latex\n$x$"],
    "who": ["alpha, beta = 1, 'b'", "%who", "%whos"],
    "precision": ["%precision 2", "3.14159"],
    "environment magic": ["%env WORKBENCH_X=1", "import os\nos.environ['WORKBENCH_X']"],
    "cd": ["%cd -q /\nimport os\nos.getcwd()", "%pwd"],
    "history": ["a = 1", "%history"],
    "reset": ["a = 1", "%reset -f\n'a' in dir()"],
    "autoreload": ["%load_ext autoreload\n%autoreload 2"],
    "help": ["len?", "import json\njson.dumps??"],
    "unknown magic": ["%nothing_like_it"],
    "unknown cell magic": ["%%nothing_like_it\nx"],
    "macro and alias": ["%alias hey echo hey", "hey"],
    "background": ["!sleep 0 &"],
    # what libraries ask the machine
    "wide table": ["import pandas as pd\npd.DataFrame([range(40)])", "pd.get_option('display.max_columns')"],
    "long table": ["import pandas as pd\npd.DataFrame({'a': range(500)})"],
    "styled table": ["import pandas as pd\npd.DataFrame({'a': [1.234]}).style.format('{:.1f}')"],
    "progress bar": [
        "import io, sys\nfrom tqdm.auto import tqdm\ntype(tqdm).__name__, tqdm.__module__",
    ],
    "rich": ["from rich.console import Console\nConsole().is_jupyter"],
    "size of figures": [PLOT + "plt.rcParams['figure.dpi'], plt.rcParams['figure.figsize']"],
    "matplotlibrc beside the notebook": [
        "from pathlib import Path\nPath('matplotlibrc').write_text('lines.linewidth: 7');",
        "import matplotlib\nmatplotlib.matplotlib_fname() == str(Path('matplotlibrc').absolute())",
    ],
    "no terminal": ["import shutil, sys\nshutil.get_terminal_size().columns, sys.stdin.read()"],
    "garbage collection": ["import gc\ngc.isenabled(), gc.get_threshold()"],
    "threads": [
        "import threading\nthreading.current_thread() is threading.main_thread()",
        "import signal\nsignal.getsignal(signal.SIGTERM) is signal.SIG_DFL",
    ],
    "limits of recursion": ["import sys\nsys.getrecursionlimit()", "def deep():\n    deep()\ndeep()"],
    "IPython.embed is there": [
        "import IPython\nfrom IPython import embed\nembed.__module__, IPython.embed is embed"
    ],
    "module beside the notebook": [
        "%%writefile lies_beside.py\nvalue = 5",
        "import lies_beside\nlies_beside.value, '__pycache__' in lies_beside.__cached__",
    ],
    # output that comes otherwise
    "bytes": ["import sys\nsys.stdout.buffer.write(b'bytes\\n')\nsys.stdout.flush()"],
    "print to the first stream": ["import sys\nprint('kept', file=sys.__stdout__, flush=True)"],
    "error in a thread": [
        "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T')\nt.start()\nt.join()",
        "print('on')",
    ],
    "error that nobody can catch": [
        "class A:\n    def __del__(self):\n        print('deleted')\na = A()\ndel a"
    ],
    "thread pool": [
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])))"
    ],
    "process pool": [
        "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])))"
    ],
    "joblib": ["from joblib import Parallel, delayed\nParallel(2)(delayed(abs)(n) for n in (-1, -2))"],
    "child of an async cell": [
        "import asyncio\np = await asyncio.create_subprocess_exec('echo', 'async', stdout=-1)\n(await p.communicate())[0]"
    ],
    "update after an error": ["h = display(1, display_id='three')\n1 / 0", "h.update(2)"],
    "display in a thread": [
        "import threading\nt = threading.Thread(target=display, args=('threaded',))\nt.start()\nt.join()"
    ],
    "display in a callback": [
        "import asyncio\nasyncio.get_running_loop().call_soon(print, 'called')\nawait asyncio.sleep(0.01)"
    ],
    "write and clear in a loop": [
        "from IPython.display import clear_output, display\nfor n in range(3):\n    clear_output(wait=True)\n    print(n)\n    display(n)"
    ],
    # more magics, and what ends a notebook
    "script magic": ["%%sh\necho sh", "%%script bash --no-raise-error\nexit 4"],
    "shell magics": ["%sx echo one", "%%sx\necho two"],
    "profile": ["%prun -q -T prof.txt sum([1])\nopen('prof.txt').read().strip() != ''"],
    "debugger without a terminal": ["1 / 0", "%debug"],
    "exit": ["print('a')\nexit()"],
    "quit": ["quit"],
    "os.fork": [
        "import os\nif not os.fork():\n    print('child', flush=True)\n    os._exit(0)\nos.wait()[1]",
    ],
    "type hints and dataclasses": [
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\nP(), P.__annotations__"
    ],
    "future holds for later cells": [
        "from __future__ import annotations",
        "def f(x: nowhere): ...\nf.__annotations__",
    ],
    "inspect": ["def f():\n    return 1", "import inspect\ninspect.getsource(f)"],
    "displayed in order": ["from IPython.display import display\n1\ndisplay(2)\nprint(3)\n4"],
    "all results": [
        "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.ast_node_interactivity = 'all'",
        "1\n2",
    ],
    "parameters": ["#parameters\nalpha: int = 1  # first\nname = 'a'", "alpha, name"],
    # randomness
    "seeded": [
        "import random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(1)\nrandom.random(), np.random.rand()"
    ],
}


def document(cells: list[str]) -> dict[str, Any]:
    """Return the notebook; a first line ``#tag`` becomes the tag of its cell."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# A behaviour"}
    return {
        "cells": [title, *(_cell(number, source) for number, source in enumerate(cells))],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(number: int, source: str) -> dict[str, Any]:
    first, _, rest = source.partition("\n")
    tagged = first in ("#raises-exception", "#skip-execution", "#parameters")
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {"tags": [first[1:]]} if tagged else {},
        "source": dedent(rest if tagged else source),
        "outputs": [],
        "execution_count": None,
    }
