"""What the agents of one run share: the protections left on, the world, the meaning of its inbox.

Each agent's module yields steps: what happened, the state after it, and whether a healthy process
does that. One step is one act on one server (a script, a transaction, an append), so a fault may
come between any two.

Left out: two repairs at once (a repair is one step), the saga inside a merge, limits, moves and
event-time rules of identity, finite remembered ids, retention, a client that commits beside a
refused send, a Kafka that loses what it acknowledged, another fold version between two folds.
A hanging transaction only hides cursors and facts.
"""

from collections.abc import Iterator

from .meaning import Meaning
from .state import Protections, State, World

Step = tuple[str, State, bool]
Steps = Iterator[Step]


class Model:
    """One set of protections in one world."""

    def __init__(self, rules: Protections, world: World) -> None:
        self.rules, self.world, self.meaning = rules, world, Meaning(rules, world)

    def redis_clock(self, s: State) -> int:
        return s.now + self.world.skew

    def fold_cursor(self, s: State, shard: int) -> list[int | None]:
        """What a reader of the cursors sees; nothing while it must wait for an open transaction."""
        if s.hanging and self.rules.read_end == "high":
            return []
        return [s.hanging.fold_cursors[shard] if s.hanging else s.fold_cursors[shard]]

    def stitch_cursor(self, s: State, source: int) -> list[int]:
        if s.hanging and self.rules.read_end == "high":
            return []
        return [s.hanging.stitch_cursors[source] if s.hanging else s.stitch_cursors[source]]
