"""Routing: champion and challenger behind one endpoint, split by key or one in the other's shadow."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

from scorer import Answer, Scorer
from split_plan import CHALLENGER, LivePlan, Plan
from variants import CHAMPION, position

LOG = logging.getLogger("score")
MOST_WAITING = 1000  # requests that wait to be scored in shadow; more are left out


def routed(plan: Plan, variant: str, key: str, *, shadow: bool = False) -> dict[str, Any]:
    """Return what the log says of who was asked.

    Returns
    -------
    dict
        variant; key: where it lies among all keys, in place of what may be a person's number; share: that the
        challenger had of all keys; shadow: whether the client got another variant's answer.
    """
    place = f"{position(plan.salt, key):016x}"
    return {"variant": variant, "key": place, "share": 0.0 if plan.shadow else plan.share, "shadow": shadow}


class Router:
    """Gives each request to the variant that its key sticks to.

    Parameters
    ----------
    champion, challenger : Scorer
        The models.
    plan : LivePlan
        Who answers; it may change at any time.
    """

    def __init__(self, champion: Scorer, challenger: Scorer, plan: LivePlan) -> None:
        self._champion, self._challenger, self._plan = champion, challenger, plan
        self._waiting: queue.Queue[tuple[Plan, str | bytes, str, str] | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._score_in_shadow, name="shadow", daemon=True)
        self._thread.start()

    def answer(self, text: str | bytes, request_id: str, key: str | None = None) -> Answer:
        """Return the answer: the challenger's where the plan says so and it has one, else the champion's."""
        sticks = key or request_id
        plan = self._plan.now()
        if plan.split.variant(sticks) == CHALLENGER:
            tried = self._tried(plan, text, request_id, sticks)
            if tried is not None and tried.status == 200:
                return tried
        answer = self._champion.answer(text, request_id, routed(plan, CHAMPION, sticks))
        if plan.shadow and answer.status == 200:
            self._mirror(plan, text, request_id, sticks)
        return answer

    @property
    def scorers(self) -> dict[str, Scorer]:
        """Both models, by variant."""
        return {CHAMPION: self._champion, CHALLENGER: self._challenger}

    def close(self) -> None:
        """Score what still waits, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _tried(self, plan: Plan, text: str | bytes, request_id: str, key: str) -> Answer | None:
        try:
            return self._challenger.answer(text, request_id, routed(plan, CHALLENGER, key))
        except Exception:  # the boundary: a client must not pay for a challenger that fails
            LOG.exception("request %s: the challenger failed, the champion answers", request_id)
            return None

    def _mirror(self, plan: Plan, text: str | bytes, request_id: str, key: str) -> None:
        try:
            self._waiting.put_nowait((plan, text, request_id, key))
        except queue.Full:  # no client waits for a shadow
            LOG.warning("request %s: not scored in shadow, too many wait", request_id)

    def _score_in_shadow(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            plan, text, request_id, key = waiting
            try:
                self._challenger.answer(text, request_id, routed(plan, CHALLENGER, key, shadow=True))
            except Exception:  # the boundary: a shadow that fails is told, and nobody misses its answer
                LOG.exception("request %s: the challenger failed in shadow", request_id)
