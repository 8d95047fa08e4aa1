"""What Python itself is told about a machine, told otherwise: code that is executed when Python starts."""

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
# The methods of `datetime` are changed in place: values that C code makes are of no class that stands for it.
# ``today`` asks ``time.time``.
_CLOCK = """
import ctypes, datetime, gc, sys, time

_AHEAD = 400 * 86_400 + 5 * 3600
_SIGNING = {"azure", "azureml", "msal", "requests", "urllib3"}  # their requests need the true time

def _ahead():
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in _SIGNING:
            return 0
        frame = frame.f_back
    return _AHEAD

def _at(usual):
    return lambda seconds=None: usual(time.time() if seconds is None else seconds)

_time, _time_ns, _strftime, _asctime = time.time, time.time_ns, time.strftime, time.asctime
time.time, time.time_ns = lambda: _time() + _ahead(), lambda: _time_ns() + _ahead() * 10**9
time.localtime, time.gmtime, time.ctime = map(_at, (time.localtime, time.gmtime, time.ctime))
time.strftime = lambda form, parts=None: _strftime(form, parts or time.localtime())
time.asctime = lambda parts=None: _asctime(parts or time.localtime())
_methods = gc.get_referents(datetime.datetime.__dict__)[0]
_methods["now"] = classmethod(lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
_methods["utcnow"] = classmethod(lambda cls: cls.utcfromtimestamp(time.time()))
ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))
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
    "clock": _CLOCK,
    "order of directory listings": _LISTINGS,
}
