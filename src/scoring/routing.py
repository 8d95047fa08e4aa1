"""Routing: champion and challenger behind one endpoint, exchanged while requests come."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scoring.scorer import Answer, Scorer
from scoring.split_plan import CHALLENGER, LivePlan, Plan
from scoring.variants import CHAMPION, position

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


class Deployment:
    """What answers until it is replaced: a champion, or with a challenger and a plan both.

    Parameters
    ----------
    champion : Scorer
        Answers; alone, everything.
    challenger : Scorer, optional
        A second model.
    plan : LivePlan, optional
        Who answers; needed with a challenger.

    Attributes
    ----------
    requests : int
        Being answered at the moment.
    is_replaced : bool
        Whether no other request comes.
    """

    def __init__(
        self, champion: Scorer, challenger: Scorer | None = None, plan: LivePlan | None = None
    ) -> None:
        self.champion, self.requests, self.is_replaced = champion, 0, False
        self.scorers = {CHAMPION: champion}
        self._router: Router | None = None
        if challenger and plan:
            self.scorers[CHALLENGER] = challenger
            self._router = Router(champion, challenger, plan)

    def answer(self, text: str | bytes, request_id: str, key: str | None = None) -> Answer:
        """Return the answer to one request; of two models the one answers that `key` sticks to."""
        if self._router is None:
            return self.champion.answer(text, request_id)
        return self._router.answer(text, request_id, key)

    def close(self) -> None:
        """Score what waits in shadow, and close the logs."""
        if self._router is not None:
            self._router.close()
        for scorer in self.scorers.values():
            if scorer.log is not None:
                scorer.log.close()


class Exchange:
    """Holds what answers, and replaces it between two requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deployment: Deployment | None = None

    @property
    def deployment(self) -> Deployment:
        """What answers now.

        Raises
        ------
        RuntimeError
            When nothing was loaded yet.
        """
        if self._deployment is None:
            raise RuntimeError("call init() before run()")
        return self._deployment

    @contextmanager
    def request(self) -> Iterator[Deployment]:
        """Hold what answers now as long as a request takes."""
        with self._lock:
            deployment = self.deployment
            deployment.requests += 1
        try:
            yield deployment
        finally:
            with self._lock:
                deployment.requests -= 1
                is_done = deployment.is_replaced and not deployment.requests
            if is_done:  # not in the way of this request: what waits in shadow is scored first
                threading.Thread(target=deployment.close, name="replaced").start()

    def replace(self, deployment: Deployment | None) -> None:
        """Let `deployment` answer every request that begins from now on; who observed, observes it too.

        The one before is closed after its last request.
        """
        with self._lock:
            before, self._deployment = self._deployment, deployment
            if before is None:
                return
            before.is_replaced, is_idle = True, not before.requests
            for variant, scorer in (deployment.scorers if deployment else {}).items():
                if variant in before.scorers:
                    scorer.observed = before.scorers[variant].observed
        if is_idle:
            before.close()
