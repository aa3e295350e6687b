"""Versions (rule 10) and stops (rule 11): what a publication does to those who are in a map.

A record changes a fact of the shard alone. Each person follows when she is next looked at, before
anything else, and a round looks at everybody; dated by the publication, so that nobody can tell
when that was.
"""

from collections.abc import Collection
from functools import partial

from journeys.language.model import Map, Release, Send, Stage, Task, doings

from . import rounds
from .credit import carried
from .effects import Move, Shard, Stop
from .fates import place_in, says_the_same
from .heads import by_version
from .lines import catch_up, later
from .moves import end, go, has_ended, onward
from .profile import Instance
from .steering import is_stopped
from .stuck import guarded
from .turn import Cause, Turn
from .waits import carry_over


def published(shard: Shard, before: Release | None, release: Release | None) -> None:
    """What the maps that came into force by this say of those in their other versions.

    So does a map that says something else of them than it did before.
    """
    were = {map_.name: map_ for map_ in before.live} if before else {}
    for map_ in release.live if release else ():
        others = [each for each in shard.known.get(map_.name, ()) if each != map_.version]
        rule = map_.on_publish
        if rule is None or not others or says_the_same(map_, were.get(map_.name)):
            continue
        if rule.mode == "stop":
            stop(shard, map_.name, others)
        else:
            move = Move(others, map_.version, shard.log_time)
            shard.moves = {**shard.moves, map_.name: [*shard.moves.get(map_.name, ()), move]}
            rounds.begin(shard)


def stop(shard: Shard, map_name: str, versions: Collection[int]) -> None:
    """Everybody in these versions of the map ends, as `stopped`."""
    found = shard.stopped.get(map_name)
    known = [*(found.versions if found else ()), *versions]
    shard.stopped = {**shard.stopped, map_name: Stop(list(dict.fromkeys(known)), shard.log_time)}
    rounds.begin(shard)


def archive(shard: Shard, map_name: str) -> None:
    """Forgets the map, unless somebody is in it here."""
    if by_version(shard.heads, map_name):
        return
    for kept in (shard.maps, shard.known, shard.texts, shard.moves, shard.stopped, shard.paused):
        kept.pop(map_name, None)
    shard.draining = [each for each in shard.draining if each != map_name]


def bring_up(turn: Turn) -> None:
    """Ends or moves her instances as publications and stops since then say."""
    shard = turn.shard
    if turn.release is None or not (shard.stopped or shard.moves):
        return
    for instance in list(turn.profile.instances):
        if is_stopped(shard, instance.map, instance.version):
            _end_stopped(turn, instance)
        for move in shard.moves.get(instance.map, ()):
            if instance.version in move.versions and not has_ended(instance):
                _move(turn, instance, move)


def _end_stopped(turn: Turn, instance: Instance) -> None:
    map_ = turn.map_of(instance)
    if map_ is not None:
        at = turn.shard.stopped[map_.name].at
        cause = Cause(f"{map_.name}/{at}", "stop", f"stop/{at}")
        end(turn, map_, instance, "stopped", at, cause)


def _move(turn: Turn, instance: Instance, move: Move) -> None:
    """Who waits at the gate, or for an earlier touchpoint, is moved when that is over; one whom
    the publication would have stranded stays where she is."""
    if instance.gate or instance.then or instance.settling or instance.stuck:
        return
    older = turn.map_of(instance)
    newer = turn.book.versions.get((instance.map, move.to))
    if older is None or newer is None or (name := place_in(newer, older, instance.stage)) is None:
        return
    at, ref = max(move.at, instance.base), f"publish/{move.to}"
    cause = Cause(f"{instance.map}/{move.to}", "publish", ref)
    step = partial(_migrate, turn, older, newer, instance, newer.stages[name], at, cause)
    guarded(turn, instance, cause, step)


def _migrate(
    turn: Turn, older: Map, newer: Map, instance: Instance, stage: Stage, at: int, cause: Cause
) -> None:
    """1 what she has been sent stays hers, 2 she stands in the stage, whose `do` is not done
    again, 3 her timers go on by the new durations, or she goes on where nobody rests."""
    carried(older, newer, instance)  # 1
    instance.actions = [one for one in instance.actions if _same(older, newer, one.place)]
    timers = len(older.stages[instance.stage].after)
    fired = set(range(timers)) - {armed.index for armed in instance.timers}
    left, instance.stage, instance.version = instance.stage, stage.name, newer.version  # 2
    if stage.name != left:
        instance.visits[stage.name] = instance.visited(stage.name) + 1
    more = {"stage": left, "to": stage.name, "from_version": older.version}
    turn.tell("migrate", instance, at, cause, (str(older.version), str(newer.version)), more)
    turn.count(older.name, older.version, "migrated")
    turn.count(newer.name, newer.version, f"stage:{stage.name}")
    rests = not (stage.choose or stage.split or stage.go)  # 3
    where = None if rests else onward(turn, newer, instance, stage, at)
    if where is None:
        carry_over(turn, newer, instance, stage, fired, at)
        return
    go(turn, newer, instance, where, at, at, cause)
    catch_up(turn, newer, instance, later(turn.profile, at))


def _same(older: Map, newer: Map, place: str) -> bool:
    """Whether both have the same send or task there: else its results would be another's."""
    return _named(older, place) == _named(newer, place) is not None


def _named(map_: Map, place: str) -> tuple[type, str] | None:
    for item in doings(map_):
        if item.place == place and isinstance(item, Send | Task):
            return type(item), item.template if isinstance(item, Send) else item.task
    return None
