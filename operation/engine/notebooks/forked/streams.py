r"""Standard output and error of a notebook's process: pipes that carry marks.

Whatever writes to them, ``print``, C code or a child process, comes in the order of the writing. Before
each message on the channel the process writes a mark into both pipes, so that the reader knows which text
was written before the message. A mark is shorter than what a pipe takes in one piece (POSIX: 512 bytes).
"""

from __future__ import annotations

import codecs
import os

_PIECE = 1 << 20  # bytes that are read at once


def new_mark() -> bytes:
    """Return a mark that no program writes by chance."""
    return b"\0\x1b_" + os.urandom(16).hex().encode() + b"\x1b\\\0"


class MarkedStream:
    """The reading end of one pipe.

    Parameters
    ----------
    descriptor : int
        Set to non-blocking here; closed by `close`.
    name : str
        ``stdout`` or ``stderr``.
    mark : bytes
        What the writer puts in before each message.
    """

    def __init__(self, descriptor: int, name: str, mark: bytes) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.name = name
        self.mark = mark
        self._held = bytearray()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self.descriptor

    @property
    def size(self) -> int:
        """Number of bytes that were read and not taken."""
        return len(self._held)

    def read(self) -> bool:
        """Read what is there, at most a piece; return whether there was any."""
        try:
            part = os.read(self.descriptor, _PIECE)
        except BlockingIOError:
            return False
        self._held += part
        return bool(part)

    def until_mark(self) -> str:
        """Return the text before the next mark, which is in the pipe already, and drop the mark."""
        start = 0
        while (place := self._held.find(self.mark, start)) < 0:
            start = max(0, len(self._held) - len(self.mark))
            if not self.read():
                return self.rest()
        text = self._decode(bytes(self._held[:place]))
        del self._held[: place + len(self.mark)]
        return text

    def so_far(self) -> str:
        """Return the text that was read up to the next mark, or up to what may be the begin of one."""
        place = self._held.find(self.mark)
        end = place if place >= 0 else len(self._held) - self._begun()
        text = self._decode(bytes(self._held[:end]))
        del self._held[:end]
        return text

    def rest(self) -> str:
        """Return all that can be read now, without marks: nothing follows."""
        while self.read():
            continue
        text = self._decode(bytes(self._held.replace(self.mark, b"")))
        self._held.clear()
        return text

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)

    def _begun(self) -> int:
        """Return how many bytes at the end could be the first of a mark."""
        tail = bytes(self._held[-len(self.mark) :])
        first = tail.rfind(self.mark[:1])
        while first >= 0:
            if self.mark.startswith(tail[first:]):
                return len(tail) - first
            first = tail.rfind(self.mark[:1], 0, first)
        return 0
