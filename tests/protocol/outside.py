"""What happens without the agents: clocks, arrivals, the console, and Redis falling back."""

from typing import NamedTuple

from .model import Model, Steps
from .state import State, append, at, left, spend


class Hanging(NamedTuple):
    """A neighbour's open transaction: what lies beyond it is hidden."""

    fold_cursors: tuple
    stitch_cursors: tuple
    ends: tuple


class Snapshot(NamedTuple):
    """What Redis may fall back to."""

    stored: tuple
    fold_cursors: tuple
    identity: object
    progress: tuple


def world_steps(model: Model, s: State) -> Steps:
    """The clock, the apps, a neighbour of the broker, the console."""
    if s.now < 1:
        yield f"the clock moves to {s.now + 1}", s._replace(now=s.now + 1), True
    for source, touchpoints in enumerate(model.world.sources):
        come = s.topics[source]
        if len(come) < len(touchpoints):
            topics = at(s.topics, source, (*come, model.redis_clock(s)))
            what = f"{touchpoints[len(come)]} arrives in source {source}"
            yield what, s._replace(topics=topics), True
    if s.hanging:
        yield "the hanging transaction ends", s._replace(hanging=None), True
    elif left(s, "hang"):
        ends = tuple(len(log) for log in s.inbox)
        hanging = Hanging(s.fold_cursors, s.stitch_cursors, ends)
        t = spend(s, "hang")._replace(hanging=hanging)
        yield "A TRANSACTION HANGS in the cursors and the inbox", t, False
    for shard, told in enumerate(s.told):
        again = model.world.publication and left(s, "dupctl")
        if not told or again:
            t = append(s, shard, ("Control", 1))._replace(told=at(s.told, shard, True))
            what = f"the console tells shard {shard} version 1"
            yield what, spend(t, "dupctl") if told else t, not told


def redis_steps(model: Model, s: State) -> Steps:
    """Falls back to a snapshot taken at any moment before; progress also to any number."""
    kinds = [kind for kind in ("roll", "idroll", "idpart", "joint") if left(s, kind)]
    if kinds and s.snapshot is None:
        snapshot = Snapshot(s.stored, s.fold_cursors, s.identity, s.progress)
        yield "SNAPSHOT (Redis may fall back to this)", s._replace(snapshot=snapshot), False
    elif kinds and s.snapshot != "gone":
        for kind in kinds:
            yield from _fall_back(model, s, kind)
    if left(s, "progroll"):
        for source, noted in enumerate(s.progress):
            for moment in range(-1, noted):
                t = spend(s, "progroll")._replace(progress=at(s.progress, source, moment))
                yield f"PROGRESS of source {source} FALLS BACK to {moment}", t, False
    if left(s, "lostcur"):
        yield from _lose_cursors(s)


def _fall_back(model: Model, s: State, kind: str) -> Steps:
    was, t = s.snapshot, spend(s, kind)._replace(snapshot="gone")
    what = f"REDIS FALLS BACK ({kind})"
    if kind == "roll":
        for shard, picture in enumerate(was.stored):
            u = t._replace(stored=at(s.stored, shard, picture))
            if model.rules.cursor == "redis":
                cursors = at(s.fold_cursors, shard, was.fold_cursors[shard])
                u = u._replace(fold_cursors=cursors)
            if u.stored != s.stored:
                yield f"{what} shard {shard}", u, False
        return
    if kind == "idpart":
        outbox = was.identity.outbox
        t = t._replace(identity=s.identity._replace(outbox=outbox), valid=False)
    else:
        t = t._replace(identity=was.identity, valid=False, progress=was.progress)
    if kind == "joint":
        t = t._replace(stored=was.stored)
    if (t.stored, t.identity) != (s.stored, s.identity):
        yield what, t, False


def _lose_cursors(s: State) -> Steps:
    for shard, (owner, slots) in enumerate(s.folders):
        if s.fold_cursors[shard]:
            folders = at(s.folders, shard, s.folders[shard]._replace(slots=at(slots, owner, None)))
            cursors = at(s.fold_cursors, shard, None)
            t = spend(s, "lostcur")._replace(folders=folders, fold_cursors=cursors)
            yield f"CURSOR of shard {shard} LOST, restart", t, False
