"""The driver's side of a notebook's process: cells in, messages out, and how it ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from operation.engine.notebooks.forked.channel import Channel
from operation.engine.notebooks.forked.limits import Limits
from operation.engine.notebooks.forked.streams import MarkedStream

_SHOW = 0.2  # seconds until text that was written is passed on
_MUCH = 1 << 22  # bytes of text that are passed on at once
_GRACE = 2.0  # seconds that an interrupted cell has to say where it was
_FAREWELL = 5.0  # seconds that exit functions and threads have at the end

Message = dict[str, Any]


class Ended(Exception):
    """The process of the notebook is gone.

    Parameters
    ----------
    code : int
        Its exit code; negative: the signal that killed it.
    """

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"the notebook's process {how_it_ended(code)}")


class OutOfTime(Exception):
    """A limit of time was reached; what the interrupted cell still said has been passed on."""


class NotebookProcess:
    """One notebook's process.

    Parameters
    ----------
    channel : Channel
        Requests and messages.
    streams : tuple of MarkedStream
        Standard output and error.
    status : int
        Descriptor on which the template says the process number, and how it ended.
    limits : Limits
        Time.
    """

    def __init__(
        self, channel: Channel, streams: tuple[MarkedStream, MarkedStream], status: int, limits: Limits
    ) -> None:
        self.channel = channel
        self.streams = streams
        self.status = status
        self.limits = limits
        self.imported: Callable[[list[str]], None] = lambda _: None
        self.number: int | None = None
        self.code: int | None = None
        self._said = b""
        self._held: list[MarkedStream] = []  # in the order in which text came
        self._selector = selectors.DefaultSelector()
        for source in (channel, *streams, status):
            self._selector.register(source, selectors.EVENT_READ)

    def send(self, request: Message) -> None:
        """Send a request; one to a process that is gone is answered by `Ended` when its reply is read."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.channel.send(request)

    def messages(self, last: str, seconds: float | None = None) -> Iterator[Message]:
        """Yield messages up to and including the one whose type, or execution state, is `last`.

        Text becomes messages of type ``stream``, in its place between the others.

        Raises
        ------
        Ended
            The process is gone; what it had written has been yielded.
        OutOfTime
            After `seconds`; the process is killed.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            for message in self._until(deadline):
                yield message
                if last in (message["msg_type"], message["content"].get("execution_state")):
                    return
        except TimeoutError:
            yield from self._interrupted(last)
            raise OutOfTime from None

    def _interrupted(self, last: str) -> Iterator[Message]:
        """Interrupt, yield what comes of it, and kill."""
        self._signal(signal.SIGINT)
        with suppress(TimeoutError, Ended):
            for message in self._until(time.monotonic() + _GRACE):
                yield message
                if last in (message["msg_type"], message["content"].get("execution_state")):
                    break
        self.kill()
        yield from self._rest()

    def _until(self, deadline: float | None) -> Iterator[Message]:
        while True:
            ready = self._wait(deadline)
            yield from self._read_text(ready)
            if self.channel in ready:
                message = self.channel.receive()
                if message is None:  # it is about to end: its status follows
                    self._selector.unregister(self.channel)
                    continue
                self._held.clear()
                for stream in self.streams:
                    yield from _as_message(stream, stream.until_mark())
                yield message
            elif self.status in ready and self._hear():
                yield from self._left()
                raise Ended(self._end())

    def _left(self) -> Iterator[Message]:
        """Yield what a process that is gone had still sent."""
        self.channel.connection.setblocking(False)
        with suppress(BlockingIOError):  # half a message, of a process that was killed
            while (message := self.channel.receive()) is not None:
                for stream in self.streams:
                    yield from _as_message(stream, stream.until_mark())
                yield message
        yield from self._rest()

    def _rest(self) -> Iterator[Message]:
        for stream in self.streams:
            yield from _as_message(stream, stream.rest())

    def _read_text(self, ready: set[Any]) -> Iterator[Message]:
        for stream in self.streams:
            if stream in ready:
                if not stream.read():
                    self._selector.unregister(stream)
                elif stream not in self._held:
                    self._held.append(stream)
        if not ready or sum(stream.size for stream in self.streams) > _MUCH:
            for stream in self._held:
                yield from _as_message(stream, stream.so_far())
            self._held.clear()

    def _wait(self, deadline: float | None) -> set[Any]:
        """Wait for anything to read; an empty answer: text that was read has waited long enough."""
        held = bool(self._held)
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        timeout = left if not held else _SHOW if left is None else min(_SHOW, left)
        ready = {key.fileobj for key, _ in self._selector.select(timeout)}
        if not ready and not held:
            raise TimeoutError
        return ready

    def _hear(self) -> bool:
        """Take in what the template says; return whether the process has ended."""
        part = os.read(self.status, 4096)
        self._said += part
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            said = json.loads(line)
            self.number = said.get("process", self.number)
            self.code = said.get("ended", self.code)
        if not part and self.code is None:
            self.code = -signal.SIGKILL  # the template itself was killed, and its children with it
        return self.code is not None

    def _end(self) -> int:
        """Wait for the end, and return the exit code."""
        while self.code is None:
            self._hear()
        return self.code

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to what it started."""
        while self.number is None and self.code is None:
            self._hear()
        if self.number is not None and self.code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.number, number)

    def kill(self) -> None:
        """End the process and what it started, at once."""
        self._signal(signal.SIGKILL)
        self._end()

    def close(self) -> None:
        """Let the process end in order, then see that nothing of it is left."""
        self.send({"end": True})
        deadline = time.monotonic() + _FAREWELL
        with suppress(TimeoutError, Ended):
            for _ in self._until(deadline):
                continue
        self.dispose()

    def dispose(self) -> None:
        """Kill what still runs, and give every descriptor back."""
        if self.code is None:
            self.kill()
        self._selector.close()
        self.channel.close()
        for stream in self.streams:
            stream.close()
        os.close(self.status)


def _as_message(stream: MarkedStream, text: str) -> Iterator[Message]:
    if text:
        content = {"name": stream.name, "text": text}
        yield {
            "msg_type": "stream",
            "header": {"msg_type": "stream"},
            "parent_header": {},
            "content": content,
        }


def how_it_ended(code: int) -> str:
    """Say in words how a process ended: its exit code, or the signal that killed it."""
    if code >= 0:
        return f"ended by itself with exit code {code}"
    name = signal.Signals(-code).name
    words = {
        "SIGKILL": "it was killed from outside, as the system does when memory runs out",
        "SIGSEGV": "compiled code read or wrote memory that is not its own",
        "SIGABRT": "compiled code gave up",
    }
    return f"was ended by {name}" + (f": {words[name]}" if name in words else "")
