"""Routing: champion and challenger behind one endpoint, split by key or one in the other's shadow."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from split_plan import CHALLENGER, LivePlan
from variants import CHAMPION

LOG = logging.getLogger("score")
MOST_WAITING = 1000  # requests that wait to be scored in shadow; more are left out


class Answer(Protocol):
    """What a model says to a request."""

    @property
    def status(self) -> int:
        """As HTTP has it."""


class Scores(Protocol):
    """A model that answers."""

    def answer(self, text: str | bytes, request_id: str) -> Answer:
        """Return the answer to a request."""


@dataclass(frozen=True)
class Routed:
    """An answer, and who gave it.

    Parameters
    ----------
    answer : Answer
        What was said.
    variant : {"champion", "challenger"}
        Who said it.
    key : str
        What stuck to the variant: the client's, or the request's id.
    shadow : bool
        Whether the client got another one's answer.
    """

    answer: Answer
    variant: str
    key: str
    shadow: bool = False


class Router:
    """Gives each request to the variant that its key sticks to.

    Parameters
    ----------
    champion, challenger : Scores
        The models.
    plan : LivePlan
        Who answers; it may change at any time.
    shadowed : callable
        Is told each answer of the challenger that no client got, in a thread of its own.
    """

    def __init__(
        self,
        champion: Scores,
        challenger: Scores,
        plan: LivePlan,
        shadowed: Callable[[Routed, bytes | str], None],
    ) -> None:
        self._champion, self._challenger, self._plan = champion, challenger, plan
        self._shadowed = shadowed
        self._waiting: queue.Queue[tuple[str | bytes, str, str] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._score_in_shadow, name="shadow", daemon=True)
        self._thread.start()
        self.left_out = 0

    def answer(self, text: str | bytes, request_id: str, key: str | None) -> Routed:
        """Return the answer: the challenger's where the plan says so and it has one, else the champion's."""
        sticks = key or request_id
        plan = self._plan.now()
        if plan.split.variant(sticks) == CHALLENGER:
            tried = self._tried(text, request_id)
            if tried is not None and tried.status == 200:
                return Routed(tried, CHALLENGER, sticks)
        answered = Routed(self._champion.answer(text, request_id), CHAMPION, sticks)
        if plan.shadow and answered.answer.status == 200:
            self._mirror(text, request_id, sticks)
        return answered

    def close(self) -> None:
        """Score what still waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _tried(self, text: str | bytes, request_id: str) -> Answer | None:
        try:
            return self._challenger.answer(text, request_id)
        except Exception:  # the boundary: a client must not pay for a challenger that fails
            LOG.exception("request %s: the challenger failed, the champion answers", request_id)
            return None

    def _mirror(self, text: str | bytes, request_id: str, key: str) -> None:
        try:
            self._waiting.put_nowait((text, request_id, key))
        except queue.Full:  # no client waits for a shadow
            self.left_out += 1

    def _score_in_shadow(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            text, request_id, key = waiting
            try:
                answer = self._challenger.answer(text, request_id)
                self._shadowed(Routed(answer, CHALLENGER, key, shadow=True), text)
            except Exception:  # the boundary: a shadow that fails is told, and nobody misses its answer
                LOG.exception("request %s: the challenger failed in shadow", request_id)
