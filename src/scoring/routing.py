"""Routing: champion and challenger behind one endpoint, replaced without a gap."""

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scoring.scorer import Scorer, ScoreResponse
from scoring.split_plan import LivePlan, Plan
from scoring.variants import CHALLENGER, CHAMPION, position

LOG = logging.getLogger("score")
MAX_WAITING = 1000  # requests that wait to be scored in shadow; more are skipped


def routed(plan: Plan, variant: str, key: str, *, shadow: bool = False) -> dict[str, Any]:
    """Return what the log records of the routing of a request.

    Returns
    -------
    dict
        variant; key: its position among all keys, instead of what may identify a person; share: of all keys,
        that the challenger had; shadow: whether the client got another variant's answer.
    """
    share, hashed = 0.0 if plan.shadow else plan.share, f"{position(plan.salt, key):016x}"
    return {"variant": variant, "key": hashed, "share": share, "shadow": shadow}


class Router:
    """Sends each request to the variant of its key.

    Parameters
    ----------
    champion, challenger : Scorer
        The models.
    plan : LivePlan
        Who answers; it may change at any time.
    """

    def __init__(self, champion: Scorer, challenger: Scorer, plan: LivePlan) -> None:
        self._champion, self._challenger, self._plan = champion, challenger, plan
        self._waiting: queue.Queue[tuple[Plan, str | bytes, str, str] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._score_in_shadow, name="shadow", daemon=True)
        self._thread.start()

    def answer(self, text: str | bytes, request_id: str, key: str | None = None) -> ScoreResponse:
        """Return the challenger's response where the plan says so and it succeeds, else the champion's."""
        key, plan = key or request_id, self._plan.now()
        if plan.split.variant(key) == CHALLENGER:
            response = self._try_challenger(plan, text, request_id, key)
            if response is not None and response.status == 200:
                return response
        response = self._champion.answer(text, request_id, routed(plan, CHAMPION, key))
        if plan.shadow and response.status == 200:
            self._mirror(plan, text, request_id, key)
        return response

    def close(self) -> None:
        """Score the waiting requests, then end."""
        self._waiting.put(None)
        self._thread.join()

    def _try_challenger(
        self, plan: Plan, text: str | bytes, request_id: str, key: str
    ) -> ScoreResponse | None:
        try:
            return self._challenger.answer(text, request_id, routed(plan, CHALLENGER, key))
        except Exception:  # the boundary: a client must not pay for a challenger that fails
            LOG.exception("request %s: the challenger failed, the champion answers", request_id)
            return None

    def _mirror(self, plan: Plan, text: str | bytes, request_id: str, key: str) -> None:
        try:
            self._waiting.put_nowait((plan, text, request_id, key))
        except queue.Full:  # no client waits for a shadow
            LOG.warning("request %s: not scored in shadow, too many are waiting", request_id)

    def _score_in_shadow(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            plan, text, request_id, key = waiting
            try:
                self._challenger.answer(text, request_id, routed(plan, CHALLENGER, key, shadow=True))
            except Exception:  # the boundary: no client waits for a shadow
                LOG.exception("request %s: the challenger failed in shadow", request_id)


class Deployment:
    """The models that answer until they are replaced: a champion, or a champion and a challenger with a plan.

    Parameters
    ----------
    champion : Scorer
        Answers every request when alone.
    challenger : Scorer, optional
        A second model.
    plan : LivePlan, optional
        Who answers; needed with a challenger.

    Attributes
    ----------
    requests : int
        Number of requests in progress.
    is_replaced : bool
        Whether no further request comes.
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

    def answer(self, text: str | bytes, request_id: str, key: str | None = None) -> ScoreResponse:
        """Return the response to one request; `key` decides which of two models answers."""
        if self._router is None:
            return self.champion.answer(text, request_id)
        return self._router.answer(text, request_id, key)

    def close(self) -> None:
        """Score what waits in shadow, then close the logs."""
        if self._router is not None:
            self._router.close()
        for scorer in self.scorers.values():
            if scorer.log is not None:
                scorer.log.close()


class DeploymentSwitch:
    """Holds the deployment that answers, and replaces it between two requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deployment: Deployment | None = None

    @property
    def deployment(self) -> Deployment:
        """The deployment that answers now.

        Raises
        ------
        RuntimeError
            When none was loaded yet.
        """
        if self._deployment is None:
            raise RuntimeError("call init() before run()")
        return self._deployment

    @contextmanager
    def request(self) -> Iterator[Deployment]:
        """Hold the current deployment for the duration of a request."""
        with self._lock:
            deployment = self.deployment
            deployment.requests += 1
        try:
            yield deployment
        finally:
            with self._lock:
                deployment.requests -= 1
                is_done = deployment.is_replaced and not deployment.requests
            if is_done:  # apart from this request, since what waits in shadow is scored first
                threading.Thread(target=deployment.close, name="replaced").start()

    def replace(self, deployment: Deployment | None) -> None:
        """Let `deployment` answer every request from now on, with the observers of the one before.

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
                    scorer.without_features = before.scorers[variant].without_features
                    scorer.pooled = before.scorers[variant].pooled
        if is_idle:
            before.close()
