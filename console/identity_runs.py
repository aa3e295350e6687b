"""Runs conformance cases of identity against a store: deliveries, interleavings, crashes.

Workers `in_turn` make one call to the store at a time, in an order that a seed decides: the same
seed is the same run, on memory and on Redis.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from redis.asyncio import Redis

from console.identity_cases import Case, Failure, Outcome, Step, judge
from console.refusals import CannotRun
from journeys.identity.claims import Claim, Claims, Identifier, named
from journeys.identity.config import IdentityConfig
from journeys.identity.known import Decision
from journeys.identity.limits import namespace_of
from journeys.identity.operations import KINDS, Operation, operation
from journeys.identity.plan import Plan
from journeys.identity.records import SHARED, Merge, Node, decode_holding, decode_node, holder_of
from schemas.touchpoint import Millis, ProfileId
from streams.identities import RedisIdentities, resolve
from streams.identities_memory import MemoryIdentities
from streams.keys import Keys
from streams.ports import Conflict, Identities, IdentityRead, Waiting

CRASHES = range(12)
"""Calls of a worker at which it is made to crash: with attempts that neighbours refused, most cases
come to no more.
"""

Open = Callable[[], AbstractAsyncContextManager[Identities]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """What one of several workers has to resolve. `crash`: at which call, and whether after it."""

    item: Claim | Operation
    crash: tuple[int, bool] | None


Workers = Callable[
    [Identities, Sequence[Job], IdentityConfig, Random], Awaitable[Sequence[Decision]]
]
"""Does jobs together, a worker each, on one store; a worker that crashed begins anew."""


@asynccontextmanager
async def in_memory() -> AsyncIterator[Identities]:
    """An empty store in memory."""
    identities = MemoryIdentities()
    await _opened(identities)
    yield identities


def on_redis(redis: Redis, prefix: str) -> Open:
    """Empty stores on a Redis, below a prefix of their own that is cleared afterwards."""
    numbers = iter(range(1 << 30))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Identities]:
        mine = f"{prefix}:{next(numbers)}"
        identities = RedisIdentities(redis, Keys(mine))
        await _opened(identities)
        try:
            yield identities
        finally:
            keys = [key async for key in redis.scan_iter(match=f"{mine}:*", count=10_000)]
            await redis.unlink(*keys)

    return opened


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way in which a case reaches the workers. `crash`: worker, call, and whether after it."""

    name: str
    reverse: bool = False
    last_twice: bool = False
    seed: int = 0
    crash: tuple[str, int, bool] | None = None


async def in_turn(
    identities: Identities, jobs: Sequence[Job], config: IdentityConfig, dice: Random
) -> Sequence[Decision]:
    """One call of one worker at a time; the dice say whose."""
    turns = Turns(len(jobs), dice)

    async def work(job: Job) -> Decision:
        try:
            return await until_done(Calls(identities, turns.mine, job.crash), job, config)
        finally:
            turns.leave()

    return await asyncio.gather(*map(work, jobs))


async def until_done(identities: Identities, job: Job, config: IdentityConfig) -> Decision:
    """Takes one touchpoint, and again after a crash."""
    while True:
        try:
            return (await resolve(identities, [job.item], config)).decisions[0]
        except (Crashed, Conflict):
            continue


async def run_case(
    case: Case, opened: Open, seeds: int, workers: Workers = in_turn
) -> list[Failure]:
    """The failures of the first delivery that has any; none if the case passes in all of them."""
    for delivery in deliveries(case, seeds):
        async with opened() as identities:
            failures = await _Run(case, delivery, identities, workers).failures()
        if failures:
            return failures
    return []


def deliveries(case: Case, seeds: int) -> Iterator[Delivery]:
    """Serial: as written, identifiers reversed, the last twice. Parallel: `seeds` interleavings,
    so, too, and a crash of each worker before and after each of its calls, followed by a
    redelivery.
    """
    if not case.parallel:
        yield Delivery("as written")
        yield Delivery("identifiers reversed", reverse=True)
        yield Delivery("last event twice", last_twice=True)
        yield Delivery("reversed, last event twice", reverse=True, last_twice=True)
        return
    for seed in range(seeds):
        name, reverse, twice = f"interleaving {seed}", seed % 2 == 1, seed % 4 > 1
        yield Delivery(name, seed=seed, reverse=reverse, last_twice=twice)
    for steps in case.steps:
        for step in steps if len(steps) > 1 else ():
            for call in CRASHES:
                for after in (False, True):
                    for seed in range(max(1, seeds // 20)):
                        name = f"crash of {step.id} {'after' if after else 'before'} call {call}"
                        yield Delivery(
                            f"{name}, interleaving {seed}",
                            seed=seed,
                            crash=(step.id, call, after),
                        )


class _Run:
    """One delivery of one case."""

    def __init__(
        self, case: Case, delivery: Delivery, identities: Identities, workers: Workers
    ) -> None:
        self._case, self._delivery, self._identities = case, delivery, identities
        self._workers = workers
        self._claims = Claims(case.config)
        self._outcome = Outcome()
        self._dice = Random(delivery.seed)

    async def failures(self) -> list[Failure]:
        for steps in self._case.steps:
            await self._together(steps)
        if self._delivery.last_twice:
            last = self._case.steps[-1][-1]
            await self._resolved(self._identities, self._item(last))
        names = self._names()
        await self._look(names)
        return judge(self._case, self._delivery.name, self._outcome, names)

    async def _together(self, steps: Sequence[Step]) -> None:
        crash = self._delivery.crash
        jobs = [
            Job(self._item(step), crash[1:] if crash and crash[0] == step.id else None)
            for step in steps
        ]
        decisions = await self._workers(self._identities, jobs, self._case.config, self._dice)
        for step, job, decision in zip(steps, jobs, decisions, strict=True):
            self._outcome.answers[step.id] = decision.profile
            if isinstance(job.item, Claim):
                self._outcome.rejected |= {(step.id, *one) for one in decision.rejected}

    async def _resolved(self, identities: Identities, item: Claim | Operation) -> Decision:
        return (await resolve(identities, [item], self._case.config)).decisions[0]

    def _item(self, step: Step) -> Claim | Operation:
        said, time = step.said, Millis(step.time)
        if "op" in said:
            if said["op"] not in KINDS:
                raise CannotRun(f"{self._case.name}: There is no operation {said['op']}.")
            return operation(said["op"], written(said), self._claims, time, step.id)
        ids = said["ids"][::-1] if self._delivery.reverse else said["ids"]
        identifiers: dict[str, tuple[str, ...]] = {}
        for namespace, _, value in (one.partition(":") for one in ids):
            identifiers[namespace] = (*identifiers.get(namespace, ()), value)
        return self._claims.read(
            identifiers, time, step.id, said.get("source", ""), said.get("verified", ())
        )

    def _names(self) -> dict[str, str]:
        """Every identifier of the case, as written and normalised -> its normal form."""
        found = {}
        for steps in self._case.steps:
            for one in (one for step in steps for one in written(step.said)):
                identifier = self._claims.identifier(one)
                if isinstance(identifier, Identifier):
                    found[one] = found[named(identifier)] = named(identifier)
        return found

    async def _look(self, names: Mapping[str, str]) -> None:
        """Reads how it ended."""
        tokens = {}
        for name in set(names.values()):
            identifier = self._claims.identifier(name)
            if isinstance(identifier, Identifier):
                tokens[identifier.token] = name
        read = await self._identities.read(list(tokens))
        groups: dict[ProfileId, set[str]] = {}
        shared = set()
        for token, raw in read.records.items():
            if raw is None:
                continue
            if (holder := holder_of(raw)) is not None:
                groups.setdefault(holder, set()).add(tokens[token])
            elif decode_holding(raw).state == SHARED:
                shared.add(tokens[token])
        self._outcome.partition = frozenset(map(frozenset, groups.values()))
        self._outcome.shared = frozenset(shared)
        notes = [waiting.note for waiting in read.outbox]
        self._outcome.merges = [
            (m.loser, m.survivor, m.cause) for m in notes if isinstance(m, Merge)
        ]
        nodes = await self._nodes({*groups, *filter(None, self._outcome.answers.values())})
        self._outcome.root = lambda profile: _root(nodes, profile)
        for profile in groups:
            self._outcome.over_limits += _over(nodes[profile], self._case.config)

    async def _nodes(self, profiles: set[Any]) -> dict[str, Node]:
        """The nodes of these and of all they ended in."""
        nodes: dict[str, Node] = {}
        wanted = list(profiles)
        while wanted:
            read = await self._identities.nodes(wanted)
            nodes |= {profile: decode_node(raw) for profile, raw in read.items() if raw}
            ends = {nodes[profile].to for profile in wanted if profile in nodes}
            wanted = [end for end in ends if end is not None and end not in nodes]
        return nodes


class Crashed(Exception):
    """The worker died here."""


class Turns:
    """Lets one of `workers` at a time go on to its next call; the dice say which."""

    def __init__(self, workers: int, dice: Random) -> None:
        self._alive, self._dice = workers, dice
        self._waiting: list[asyncio.Future[None]] = []

    async def mine(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._call_one()
        await turn

    def leave(self) -> None:
        self._alive -= 1
        self._call_one()

    def _call_one(self) -> None:
        if self._waiting and len(self._waiting) == self._alive:
            self._waiting.pop(self._dice.randrange(len(self._waiting))).set_result(None)


class Calls:
    """A worker's view of the store: it waits for `turn`, and crashes once where it is told."""

    def __init__(
        self,
        identities: Identities,
        turn: Callable[[], Awaitable[None]],
        crash: tuple[int, bool] | None,
    ) -> None:
        self._inner, self._turn, self._crash = identities, turn, crash
        self._calls = -1

    async def read(self, tokens: Sequence[str], *, repairing: bool = False) -> IdentityRead:
        return await self._call(lambda: self._inner.read(tokens, repairing=repairing))

    async def nodes(self, profiles: Sequence[ProfileId]) -> Mapping[ProfileId, bytes | None]:
        return await self._call(lambda: self._inner.nodes(profiles))

    async def commit(self, gate: bytes, plan: Plan) -> Sequence[Waiting]:
        return await self._call(lambda: self._inner.commit(gate, plan))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def _call(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._turn()
        self._calls += 1
        at, after = self._crash or (-1, False)
        if at == self._calls and not after:
            raise Crashed
        result = await call()
        if at == self._calls:
            raise Crashed
        return result


def written(said: Mapping[str, Any]) -> list[str]:
    """The identifiers of an event, as it writes them."""
    if "op" not in said:
        return list(said["ids"])
    one = [said[word] for word in ("identifier", "into", "from") if word in said]
    return [*one, *said.get("identifiers", ())]


async def _opened(identities: Identities) -> None:
    await identities.begin_repair()
    await identities.end_repair()


def _root(nodes: Mapping[str, Node], profile: str | None) -> str | None:
    while profile is not None and profile in nodes and nodes[profile].to:
        profile = nodes[profile].to
    return profile


def _over(node: Node, config: IdentityConfig) -> list[str]:
    counts: dict[str, int] = {}
    for token in node.identifiers:
        counts[namespace_of(token)] = counts.get(namespace_of(token), 0) + 1
    limits = {name: config.namespace(name) for name in counts}
    return [
        f"{count} of {name}"
        for name, count in counts.items()
        if (rules := limits[name])
        and rules.limit is not None
        and rules.window is None
        and count > rules.limit
    ]
