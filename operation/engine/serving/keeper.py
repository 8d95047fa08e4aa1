"""The process that keeps those that answer: another model comes in new processes."""

from __future__ import annotations

import importlib
from typing import Any

# comes with the inference server, but not on Windows
arbiter = importlib.import_module("gunicorn.arbiter")


class Keeper(arbiter.Arbiter):  # type: ignore[misc, name-defined]
    """Gunicorn's arbiter, which also looks for other models once a second.

    Parameters
    ----------
    application : BaseApplication
        It also says whether other models are there (``renewed`` looks everywhere, ``other_models`` where
        something has changed), whether a process ``has_loaded``, and hears when the old ones are gone
        (``settled``).
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        self._replaced_age, self._settled = 0, False

    def reload(self) -> None:
        """Find the models again, and replace the processes where all of them are sound."""
        if self.app.renewed():
            self._replace()

    def murder_workers(self) -> None:
        """See to those that hang, and to other models; called once a second."""
        super().murder_workers()
        if self.app.other_models():
            self._replace()

    def _replace(self) -> None:
        self._replaced_age, self._settled = self.worker_age, False
        for _ in range(self.num_workers):
            self.spawn_worker()

    def manage_workers(self) -> None:
        """Keep as many processes as there are to be; the old ones until the new ones have loaded."""
        ages = {pid: worker.age for pid, worker in self.WORKERS.items()}
        new = [pid for pid, age in ages.items() if age > self._replaced_age]
        if sum(map(self.app.has_loaded, new)) >= self.num_workers:
            super().manage_workers()
            self._settle(len(new) == len(ages))
            return
        for _ in range(self.num_workers - len(new)):
            self.spawn_worker()

    def _settle(self, alone: bool) -> None:
        if alone and not self._settled:
            self._settled = True
            self.app.settled()
