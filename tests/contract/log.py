"""A publisher in memory: what was committed, in order, and the cursor beside it."""

from collections.abc import Mapping, Sequence

from streams.cursors import output_print
from streams.ports import Cursor, Outgoing, Publisher


class Log:
    """One transactional id, which nobody else takes."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.cursor = Cursor(0)

    async def publish(self, records: Sequence[Outgoing], position: int, mark: int = 0) -> None:
        self.records.extend(records)
        last = output_print(records[-1]) if records else ""
        self.cursor = Cursor(position, last, mark=max(mark, self.cursor.mark))

    async def close(self) -> None:
        pass

    async def take_over(self, names: Sequence[str]) -> Mapping[str, Publisher]:
        return dict.fromkeys(names, self)
