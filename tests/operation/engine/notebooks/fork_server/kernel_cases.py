"""Small notebooks that need a real kernel: what an imitation of one gets almost right."""

# ruff: noqa: E501 - a cell stands in one piece

from __future__ import annotations

KERNEL_CASES: dict[str, list[str]] = {
    # context variables outlive their cell
    "numpy prints with fewer digits": [
        "import numpy as np\nnp.set_printoptions(precision=3)",
        "np.array([1.23456789])",
    ],
    "numpy raises what it warned of": [
        "import numpy as np\nold = np.seterr(all='raise')",
        "np.float64(1) / 0",
    ],
    "numpy's state in a block ends with it": [
        "import numpy as np\nwith np.printoptions(precision=1):\n    print(np.array([1.23]))",
        "np.array([1.23])",
    ],
    "decimal's precision": ["import decimal\ndecimal.getcontext().prec = 5", "decimal.Decimal(1) / 3"],
    "decimal's context": [
        "from decimal import *\nsetcontext(Context(prec=4, rounding=ROUND_UP))",
        "Decimal(2) / 3, getcontext().rounding",
    ],
    "a context variable of one's own": [
        "import contextvars\nv = contextvars.ContextVar('v', default=0)\ntoken = v.set(7)",
        "v.get()",
        "v.reset(token)\nv.get()",
    ],
    "set in an asynchronous cell": [
        "import contextvars, asyncio\nv = contextvars.ContextVar('v', default=0)",
        "await asyncio.sleep(0)\nv.set(1);",
        "v.get()",
    ],
    "a task has the context of its cell": [
        "import contextvars, asyncio\nv = contextvars.ContextVar('v', default=0)\nv.set(3)\nasync def f():\n    return v.get()\nt = asyncio.create_task(f())",
        "await t",
    ],
    "warnings as errors": ["import warnings\nwarnings.simplefilter('error')", "warnings.warn('no')"],
    # who asks for the kernel gets it
    "connection file": [
        "import json, os\nfrom ipykernel import get_connection_file\nsorted(json.load(open(get_connection_file())))"
    ],
    "connection info": [
        "from ipykernel import get_connection_info\nsorted(get_connection_info(unpack=True))"
    ],
    "the application": [
        "from ipykernel.kernelapp import IPKernelApp\napp = IPKernelApp.instance()\nIPKernelApp.initialized(), app.kernel is get_ipython().kernel, type(app.kernel).__name__"
    ],
    "the parent's header": ["get_ipython().parent_header['header']['msg_type']"],
    "a comm": [
        "from comm import create_comm, get_comm_manager\nc = create_comm(target_name='mine', data={'a': 1})\nc.comm_id in get_comm_manager().comms, type(c).__module__",
        "c.send({'b': 2})\nc.close()\nc.comm_id in get_comm_manager().comms",
    ],
    "a target of comms": [
        "get_ipython().kernel.comm_manager.register_target('t', print)\nsorted(get_ipython().kernel.comm_manager.targets)"
    ],
    "the client's channels": [
        "k = get_ipython().kernel\nk.session.session != '', k.iopub_socket is not None"
    ],
    "threads of a kernel": [
        "import threading\nsorted(type(t).__name__ for t in threading.enumerate() if t.name != 'MainThread')"
    ],
    "the loop": [
        "import asyncio, tornado.ioloop\ntornado.ioloop.IOLoop.current().asyncio_loop is asyncio.get_event_loop()"
    ],
    "debugger": ["get_ipython().kernel.debugger is None, get_ipython().kernel.supported_features"],
    "shutdown": ["print('a')", "get_ipython().kernel.do_shutdown(False)", "print('b')"],
    "kernel's own exit": ["get_ipython().ask_exit()", "print('still')"],
    # streams
    "closed standard output": ["import sys\nsys.stdout.close()", "print('on')", "1"],
    "closed standard error": ["import sys\nsys.stderr.close()", "1"],
    "standard output replaced": [
        "import sys, io\nold, sys.stdout = sys.stdout, io.StringIO()\nprint('hidden')",
        "text = sys.stdout.getvalue()\nsys.stdout = old\ntext",
    ],
    "what the streams are": [
        "import sys\ntype(sys.stdout).__module__, type(sys.stderr).__name__, sys.stdout.name, sys.stdout.writable()"
    ],
    "descriptors of streams": ["import sys\nsys.stdout.fileno() > 2, sys.__stdout__.fileno()"],
    "no standard input": ["import sys\nsys.stdin.read(), sys.stdin.isatty()"],
    # plots
    "matplotlib notebook": ["%matplotlib notebook\nimport matplotlib\nmatplotlib.get_backend()"],
    "matplotlib agg": ["%matplotlib agg\nimport matplotlib.pyplot as plt\nplt.plot([1]);\nplt.get_backend()"],
    "list of backends": ["%matplotlib --list"],
    "hooks of pyplot": [
        "import matplotlib.pyplot as plt\nplt.plot([1]);",
        "sorted(f.__name__ for f in get_ipython().events.callbacks['post_execute'])",
    ],
    "tight figures switched off": [
        "%config InlineBackend.print_figure_kwargs = {}\nget_ipython().config.get('InlineBackend', {})"
    ],
    # widgets and what looks for a notebook
    "a widget": ["import ipywidgets as w\ns = w.IntSlider(value=3, description='n')\ns.value", "s"],
    "widgets that are linked": [
        "import ipywidgets as w\na, b = w.IntText(1), w.IntText(2)\nw.link((a, 'value'), (b, 'value'))\na.value = 9\nb.value"
    ],
    "output of a widget": ["import ipywidgets as w\no = w.Output()\nwith o:\n    print('inside')\no"],
    "interact": ["from ipywidgets import interact\n@interact(x=(0, 3))\ndef f(x=1):\n    return x * 2"],
    "progress bar of a notebook": [
        "from tqdm.auto import tqdm\nfor _ in tqdm(range(3), disable=False):\n    pass"
    ],
    "which progress bar": ["from tqdm.autonotebook import tqdm\ntqdm.__module__"],
    "rich's table": [
        "from rich import print as p\nfrom rich.table import Table\nt = Table('a')\nt.add_row('1')\np(t)"
    ],
    # what is printed while something is imported
    "import that prints": [
        "import this as zen",
        "%%writefile loud.py\nprint('loud')\nimport warnings\nwarnings.warn('mind')",
        "import loud",
        "import loud",
    ],
    "import that warns": [
        "%%writefile old.py\nimport warnings\nwarnings.warn('old', FutureWarning, stacklevel=2)",
        "import old",
    ],
    # IPython
    "store": ["value = 5\n%store value", "del value\n%store -r value\nvalue"],
    "folders gone to": ["import os\nlen(_dh), str(_dh[0]) == os.getcwd()"],
    "breakpoint": ["breakpoint()"],
    "history": ["a = 1", "a + 1", "%history -n 1-2", "In[1], Out"],
    "history of sessions": ["get_ipython().history_manager.enabled, get_ipython().history_manager.hist_file"],
    "profile": ["get_ipython().profile, get_ipython().profile_dir.location.endswith('profile_default')"],
    "an event": [
        "def before(info):\n    print('cell:', info.raw_cell)\nget_ipython().events.register('pre_run_cell', before)",
        "1 + 1",
        "get_ipython().events.unregister('pre_run_cell', before)",
    ],
    "a transformer": [
        "get_ipython().input_transformers_cleanup.append(lambda lines: [l.replace('zwei', '2') for l in lines])",
        "zwei + 1",
    ],
    "a formatter": [
        "f = get_ipython().display_formatter.formatters['text/plain']\nf.for_type(int, lambda n, p, c: p.text(f'<{n}>'))",
        "3",
    ],
    "a magic of one's own": [
        "from IPython.core.magic import register_line_magic\n@register_line_magic\ndef twice(line):\n    return line * 2",
        "%twice ab",
    ],
    "an exception's own display": [
        "def shown(self, kind, value, tb, tb_offset=None):\n    print('own:', value)\nget_ipython().set_custom_exc((ValueError,), shown)",
        "raise ValueError('x')",
    ],
    "completion": [
        "get_ipython().complete('impor')[0], get_ipython().kernel.do_complete('prin', 4)['matches'][:1]"
    ],
    "inspection": ["get_ipython().kernel.do_inspect('len', 3, 0)['found']"],
    "load and rerun": ["x = 1\nx", "%rerun 1"],
    "pager": ["%pinfo len", "%pdoc len", "%psource json"],
    "payloads": ["get_ipython().set_next_input('later')"],
    "asynchronous generator left open": [
        "async def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\na = g()\nawait a.__anext__()",
        "await a.aclose()",
    ],
    "autoawait off": ["%autoawait False\n%autoawait", "import asyncio\nawait asyncio.sleep(0)"],
    "trio is not there": ["%autoawait trio"],
    "gui loop": ["%gui", "%gui nothing_such"],
    # the process
    "spawned process": [
        "import multiprocessing as m, os\nwith m.get_context('spawn').Pool(1) as pool:\n    print(pool.apply(os.getcwd) == os.getcwd())"
    ],
    "what a child process inherits": [
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"MPLBACKEND\"], len(os.listdir(\"/proc/self/fd\")))'], capture_output=True, text=True).stdout"
    ],
    "signals": [
        "import signal\n[signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP, signal.SIGPIPE)], signal.getsignal(signal.SIGINT).__name__"
    ],
    "alarm": [
        "import signal, time\ndef ring(*_):\n    print('rang')\nsignal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(0.3)"
    ],
    "session and group": ["import os\nos.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()"],
    "modules of a kernel": [
        "import sys\n[n in sys.modules for n in ('operation', 'IPython', 'ipykernel.kernelapp', 'src', 'core')]"
    ],
    "search path": ["import sys, os\n[p.replace(os.sep, '/').split('/')[-1] for p in sys.path]"],
    "a module named as the engine's": [
        "%%writefile operation.py\nvalue = 'mine'",
        "import operation\noperation.value",
    ],
    "warnings' filters": [
        "import warnings\nlen(warnings.filters) > 0, [f[0] for f in warnings.filters if f[2] is DeprecationWarning][:1]"
    ],
    "import of pandas is complete": [
        "import pandas as pd\npd.options.display.max_columns, pd.options.display.width, pd.get_option('display.notebook_repr_html')"
    ],
    "builtins": [
        "import builtins\n[hasattr(builtins, n) for n in ('get_ipython', 'display', 'exit', 'quit', '__IPYTHON__')]"
    ],
    "argument vector": ["import sys\nsys.argv[0].rpartition('/')[2], sys.argv[1], len(sys.argv)"],
    "faults of a finalizer at the end": [
        "import weakref\nclass A: ...\na = A()\nweakref.finalize(a, open('at-end', 'w').write, 'x');"
    ],
    "file left open": ["f = open('left-open', 'w')\nf.write('all of it')", "len(open('left-open').read())"],
}
