"""Identity in memory: the same port for tests and for maps tried without a Redis."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from journeys.identity.plan import Plan
from journeys.identity.records import repointed, touched
from schemas.touchpoint import Millis, ProfileId
from streams.ports import Conflict, IdentityInvalid, IdentityRead, RepairWindow, Waiting

Key = TypeVar("Key", bound=str)


class MemoryIdentities:
    """Lost by `restart` (all is there, and is trusted no more) and `flush` (nothing is there).

    It has no clock: what may lapse stays.
    """

    def __init__(self) -> None:
        self._run = 1
        self.restart()
        self.flush()

    def restart(self) -> None:
        """As a server that was started again with the data it had."""
        self._run += 1

    def flush(self) -> None:
        """As FLUSHALL."""
        self._valid, self._last_beat = b"", Millis(0)
        self._records: dict[str, bytes] = {}
        self._nodes: dict[ProfileId, bytes] = {}
        self._outbox: dict[str, Waiting] = {}
        self._appended = 0

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        if self._valid != self._as_valid and not (repairing and self._valid == self._as_repairing):
            raise IdentityInvalid("identity is not of this run")
        records = {token: self._records.get(token) for token in tokens}
        return IdentityRead(self._valid, records, list(self._outbox.values()))

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        return {profile: self._nodes.get(profile) for profile in profiles}

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        if gate != self._valid:
            raise Conflict("identity was lost or repaired meanwhile")
        _compare(self._records, plan.records)
        _compare(self._nodes, plan.nodes)
        seen = {
            token: touched(self._records.get(token, b""), new)
            for token, new in plan.touches.items()
        }
        if None in seen.values():
            raise Conflict("an identifier has another owner")
        self._records |= {token: new for token, (_, new) in plan.records.items()}
        self._records |= {token: new for token, new in seen.items() if new}
        self._nodes |= {profile: new for profile, (_, new) in plan.nodes.items()}
        for token, loser, survivor in plan.repoints:
            record = self._records.get(token, b"")
            if record.startswith(loser.encode()):
                self._records[token] = repointed(record, survivor)
        put = []
        for note in plan.notes:
            self._appended += 1
            put.append(Waiting(f"{self._appended}-0", note, plan.by))
        self._outbox |= {one.id: one for one in put}
        return put

    async def trim(self, ids: Sequence[str]) -> None:
        for one in ids:
            self._outbox.pop(one, None)

    async def beat(self, now: Millis) -> None:
        if self._valid == self._as_valid:
            self._last_beat = now

    async def begin_repair(self) -> RepairWindow | None:
        if self._valid == self._as_valid:
            return None
        self._valid = self._as_repairing
        return RepairWindow(self._last_beat or None)

    async def end_repair(self) -> None:
        if self._valid not in {self._as_valid, self._as_repairing}:
            raise IdentityInvalid("identity was lost meanwhile")
        self._valid = self._as_valid

    @property
    def _as_valid(self) -> bytes:
        return f"run-{self._run}".encode()

    @property
    def _as_repairing(self) -> bytes:
        return f"repairing-{self._run}".encode()


def _compare(held: Mapping[Key, bytes], changes: Mapping[Key, tuple[bytes, bytes]]) -> None:
    for key, (expected, _) in changes.items():
        if held.get(key, b"") != expected:
            raise Conflict(f"{key} has changed")
