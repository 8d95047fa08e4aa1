"""What Python itself is told about a machine, told otherwise: code that is executed when Python starts."""

from __future__ import annotations

from operation.engine.foundation.children import cores

_CPU_COUNT = f"""
import os
os.cpu_count = lambda: {cores() + 1}
"""
_HOST_NAME = """
import os, socket
if hasattr(os, "uname"):
    _system, _, *_rest = os.uname()
    os.uname = lambda: os.uname_result((_system, "other", *_rest))
socket.gethostname = lambda: "other"
"""
_LISTINGS = """
import os

class _Entries:
    def __init__(self, entries):
        self._entries = iter(entries)
    def __iter__(self):
        return self
    def __next__(self):
        return next(self._entries)
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.close()
    def close(self):
        self._entries = iter(())

def _scandir(path=".", _usual=os.scandir):
    with _usual(path) as entries:
        return _Entries(reversed(list(entries)))

def _listdir(path=".", _usual=os.listdir):
    return _usual(path)[::-1]

os.scandir, os.listdir = _scandir, _listdir
"""
# The encoding of names of files was settled before; that of text files without one is looked up now.
_LOCALE = """
import locale, os
locale.setlocale(locale.LC_ALL, "C")
os.environ.update(LC_ALL="C", LANG="C")
"""

PYTHON_CHANGES = {
    "locale and default encoding": _LOCALE,
    "host name": _HOST_NAME,
    "CPU count": _CPU_COUNT,
    "order of directory listings": _LISTINGS,
}
