"""What the inbox means: one record, one step, pure.

`whole` folds an inbox from its start and is the yardstick of I2 and I3; the workers of the model
take the same steps in batches, at their own pace, and a mutant's worker with a whim of its own.
"""

from functools import lru_cache
from typing import NamedTuple

from .state import Gone, Live, Picture, Protections, Violation, World, union

TICK = 1  # profiles fired by a Tick
HOPS = 5  # forwards after which we call it a ring


class Whim(NamedTuple):
    """What a worker must not look at: its own clock, its name, facts from beside the log."""

    wall: int | None = None
    slot: int = 0
    outside: int | None = None


class Meaning:
    """Folding under these protections in this world, with every step remembered."""

    def __init__(self, rules: Protections, world: World) -> None:
        self.rules, self.touches, self.home = rules, world.touches, world.home
        self.step = lru_cache(None)(self._step)
        self.whole = lru_cache(None)(self._whole)

    def position(self, picture: Picture) -> int:
        """The cursor's unit: the offset (for M2 and M3 also the timers fired in the record)."""
        return picture.offset * 10 + picture.fired

    def _whole(self, log: tuple) -> tuple[Picture, tuple]:
        """The picture after the whole log, and its outputs, each with its position."""
        if not log:
            return Picture(), ()
        picture, outputs = self.whole(log[:-1])
        while picture.offset < len(log):
            before = self.position(picture)
            picture, more = self.step(picture, log[-1], None)
            outputs += tuple((before, output) for output in more)
        return picture, outputs

    def _step(self, picture: Picture, record: tuple, whim: Whim | None) -> tuple[Picture, tuple]:
        """The next picture and what this record puts out. Without a whim: the yardstick."""
        if record[0] == "Aborted":
            if self.rules.committed or whim is None:
                return picture._replace(offset=picture.offset + 1), ()
            record = record[1]
        whim, outputs = whim or Whim(), []
        version = picture.version if whim.outside is None else whim.outside
        picture = picture._replace(offset=picture.offset + 1, version=version)
        if record[0] == "Control":
            picture = picture._replace(version=max(picture.version, record[1]))
        elif record[0] == "Tick":
            picture = self._tick(picture, record, whim, outputs)
        else:
            picture = self._personal(picture, record, whim, outputs)
        return picture, tuple(outputs)

    def _tick(self, picture: Picture, record: tuple, whim: Whim, outputs: list) -> Picture:
        until = min(record[1], record[2]) if self.rules.capped else record[1]
        picture = picture._replace(time=max(picture.time, until))
        clock = picture.time if whim.wall is None else whim.wall
        profiles, backwards = dict(picture.profiles), self._backwards(whim)
        due = sorted(
            (
                (min(p.timers)[0], name)
                for name, p in profiles.items()
                if isinstance(p, Live) and p.timers and min(p.timers)[0] <= clock
            ),
            reverse=backwards,
        )
        most = 1 if self.rules.chunks else 99
        for _, name in due[:TICK]:
            profiles[name] = self._fired(
                profiles[name], clock, picture.version, outputs, backwards, most
            )
        picture = picture._replace(profiles=tuple(sorted(profiles.items())))
        if self.rules.chunks and due:
            return picture._replace(offset=picture.offset - 1, fired=picture.fired + 1)
        return picture._replace(fired=0)

    def _personal(self, picture: Picture, record: tuple, whim: Whim, outputs: list) -> Picture:
        """Rule 1: what is due fires, then the record is applied."""
        profiles, name = dict(picture.profiles), record[1]
        clock = picture.time if whim.wall is None else whim.wall
        profile = profiles.get(name, Live())
        if isinstance(profile, Live):
            profile = self._fired(profile, clock, picture.version, outputs, self._backwards(whim))
        match record[0]:
            case "Arrived":
                profile = self._arrived(profile, record[2], 0, picture.version, outputs)
            case "Forwarded":
                profile = self._arrived(profile, *record[2:], picture.version, outputs)
            case "Merged":
                profile = self._merged(profile, *record[1:], outputs)
            case "MergeIn":
                profile = self._merge_in(profile, *record[1:], outputs)
        profiles[name] = profile
        return picture._replace(profiles=tuple(sorted(profiles.items())))

    def _backwards(self, whim: Whim) -> bool:
        return self.rules.ties == "worker" and bool(whim.slot)

    def _fired(
        self, p: Live, clock: int, version: int, outputs: list, backwards: bool, most: int = 99
    ) -> Live:
        timers = [t for t in sorted(p.timers, reverse=backwards) if t[0] <= clock][:most]
        for due, touchpoint in timers:
            p = p._replace(history=(*p.history, f"f{touchpoint}"))
            outputs.append(("Action", f"f{touchpoint}", version, due, p.history))
        return p._replace(timers=tuple(t for t in p.timers if t not in timers))

    def _arrived(
        self, p: Live | Gone, touchpoint: str, hops: int, version: int, outputs: list
    ) -> Live | Gone:
        """Rule 2."""
        if isinstance(p, Gone):
            if hops >= HOPS:
                raise Violation("I6 a touchpoint runs round a ring of redirects for ever")
            if self.rules.forward != "drop":
                outputs.append(self._sent("Forwarded", p.to, touchpoint, hops + 1))
            return p
        if self.rules.remember and touchpoint in p.seen:
            return p
        fact = self.touches[touchpoint]
        timers = tuple(t for t in p.timers if t[1] != fact.cancels)
        if fact.arm:
            timers = tuple(sorted((*timers, (fact.arm, touchpoint))))
        history = (*p.history, touchpoint)
        outputs.append(("Action", f"a{touchpoint}", version, None, history))
        return Live(history, union(p.seen, (touchpoint,)), p.absorbed, timers)

    def _merged(self, p: Live | Gone, loser: str, survivor: str, outputs: list) -> Gone:
        """Rule 3."""
        if isinstance(p, Gone):
            return p
        outputs.append(self._sent("MergeIn", survivor, loser, (loser,), p))
        return Gone(survivor)

    def _merge_in(
        self, p: Live | Gone, name: str, loser: str, passed: tuple, state: Live, outputs: list
    ) -> Live | Gone:
        """Rule 4."""
        if isinstance(p, Gone):
            if not self._opens_ring(p, name, passed):
                if len(passed) >= HOPS:
                    raise Violation("I6 a merge runs round a ring of redirects for ever")
                outputs.append(self._sent("MergeIn", p.to, loser, (*passed, name), state))
                return p
            p = Live()
        if self.rules.idempotent and loser in p.absorbed:
            return p
        return Live(
            p.history + state.history,
            union(p.seen, state.seen) if self.rules.unite else p.seen,
            union(p.absorbed, state.absorbed, () if loser == name else (loser,)),
            tuple(sorted(p.timers + state.timers)),
        )

    def _opens_ring(self, p: Gone, name: str, passed: tuple) -> bool:
        if p.to not in passed or self.rules.ring == "nobody":
            return False
        ring = (*passed[passed.index(p.to) :], name)
        return self.rules.ring == "anyone" or min(ring) == name

    def _sent(self, kind: str, profile: str, *rest: object) -> tuple:
        return ("Send", self.home[profile], (kind, profile, *rest))
