"""An owner's hold on its transactional id, and taking it again after it was lost.

A fence says no more than that another producer of this name was opened: a neighbour in a rebalance,
a repair of identity, an operator's `cursor set`. Who is fenced again and again has a living rival.
"""

from dataclasses import dataclass

import structlog

from .metrics import Metrics
from .ports import Fenced, Halt, Publisher, Publishers
from .weather import outlast

LOST_AT_MOST = 3
"""How often in a row an owner takes over again before it believes that another one lives."""

log = structlog.get_logger()


@dataclass(slots=True)
class Tenure:
    """`publisher` is the one in force; `agent` and `place` are what operators call its owner."""

    agent: str
    place: str
    name: str
    publishers: Publishers
    metrics: Metrics
    publisher: Publisher
    lost_in_a_row: int = 0

    def kept(self) -> None:
        """A batch went through."""
        self.lost_in_a_row = 0

    async def regain(self, fenced: Fenced) -> None:
        """Takes over again, through any weather; raises Halt when it was lost too often."""
        self.metrics.fenced(self.agent)
        log.warning(
            "fenced, taking over again", agent=self.agent, place=self.place, why=str(fenced)
        )
        self.lost_in_a_row += 1
        if self.lost_in_a_row > LOST_AT_MOST:
            raise Halt(
                f"{self.agent}, {self.place}: taken by another worker {self.lost_in_a_row} times "
                "in a row; giving it up."
            ) from fenced
        await self.renew()

    async def renew(self) -> None:
        """Fences whoever has the name, this owner's own producer too, and reads the cursor."""
        await outlast(self._take_over, f"taking over {self.place}")

    async def _take_over(self) -> None:
        await self.publisher.close()
        self.publisher = (await self.publishers.take_over([self.name]))[self.name]
