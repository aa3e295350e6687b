"""An erasure in three shards, in whatever order their records come and whoever is slow.

Shards hear in the order in which was written to them; what one writes to another comes whenever.
"""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.engine.departures import NOWHERE
from journeys.engine.profile import decode
from journeys.language.model import End, Timer
from schemas import inbox
from schemas.inbox import Arrived, InboxRecord, Merged, Operated
from schemas.touchpoint import Millis, ProfileId

from .building import MINUTE, START, Life, entry, hours, map_of, release, send, stage, touch

IDS = [ProfileId(f"{letter * 22}") for letter in "abc"]
ROOT = IDS[0]
TIMER = Timer(hours(1), do=(send("first/after/0/do/0"),), go=End("over"))
BOOK = release(map_of("m", [stage("first", after=(TIMER,))], [entry("in")]))


def arrived(who: ProfileId, number: int) -> Arrived:
    return Arrived(who, touch("in", START, id=f"{who[0]}{number}"), (), ("t", 0, number))


class Shards:
    """A shard for each id, and what is under way to it."""

    def __init__(self) -> None:
        self.lives = {who: Life(BOOK) for who in IDS}
        self.under_way: dict[ProfileId, list[InboxRecord]] = {who: [] for who in IDS}
        self.now = START
        self.reports: list[bool] = []

    def deliver(self, who: ProfileId) -> None:
        if self.under_way[who]:
            self._fold(who, self.under_way[who].pop(0))

    def tick(self, who: ProfileId) -> None:
        self.now += MINUTE
        self.lives[who].pass_until(self.now)
        self._collect(who)

    def settle(self) -> None:
        while any(self.under_way.values()):
            for who in IDS:
                self.deliver(who)

    def forgotten(self) -> bool:
        stored = [
            decode(life.stored[who]) for who, life in self.lives.items() if who in life.stored
        ]
        return len(stored) == len(IDS) and all(one.redirect == NOWHERE for one in stored)

    def _fold(self, who: ProfileId, record: InboxRecord) -> None:
        self.now += 1
        self.lives[who].append(record, self.now)
        self._collect(who)

    def _collect(self, who: ProfileId) -> None:
        life = self.lives[who]
        for output in life.outputs:
            if output.kind == "inbox":
                self.under_way[ProfileId(output.key)].append(inbox.decode(output.value))
            elif output.kind == "merges":
                assert orjson.loads(output.value)["from"] == ROOT
                self.reports.append(self.forgotten())
        life.outputs = [output for output in life.outputs if output.kind.startswith("actions")]


steps = st.lists(st.tuples(st.sampled_from(["deliver", "tick"]), st.sampled_from(IDS)), max_size=40)
erased_at = st.integers(0, 4)


@given(steps, erased_at, st.permutations([0, 1, 2, 3]))
@settings(max_examples=100, deadline=None)
def test_she_is_forgotten_everywhere_when_it_is_reported_and_afterwards(steps, at, order):
    shards = Shards()
    aliases = tuple(IDS[1:])
    erase = Operated("erase", ROOT, (), Millis(START), cause="cli/1", aliases=aliases)
    to_root = [arrived(ROOT, number) for number in order]
    shards.under_way[ROOT] += [*to_root[:at], erase, *to_root[at:], erase]
    for alias in aliases:
        shards.under_way[alias] += [arrived(alias, 1), Merged(alias, ROOT), arrived(alias, 2)]

    for what, who in steps:
        (shards.deliver if what == "deliver" else shards.tick)(who)
    for _ in range(3):
        shards.settle()
        for who in IDS:
            shards.tick(who)
    said = {who: len(life.actions()) for who, life in shards.lives.items()}
    for who in IDS:
        shards.tick(who)

    assert shards.reports == [True]
    assert shards.forgotten()
    assert {who: len(life.actions()) for who, life in shards.lives.items()} == said
