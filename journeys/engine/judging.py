"""Whether an action may leave (rule 21): asked when it would, and again after each hold.

Here stand, in this order: 1 pause, 2 expiry and staleness, 3 exits by a state she is in by now,
4 what a merge says has been sent, 5 holdout, 6 the channel, with the quiet hours, caps and limit
that concern it.
"""

from dataclasses import dataclass

from journeys.language.model import Change, Do, Emit, End, Go, Map, Policy, Send, Start, Task, To

from .channels import Chosen, Stop, choose
from .deeds import perform
from .local_time import add
from .profile import Instance, Standing
from .segments import holds
from .sending import hand_out, leave, track, withhold
from .steering import until_resumed
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Hold:
    """It stands at the gate until that moment; 0: until the gate opens again.

    Longer than `max_staleness` ms after it was due it does not leave any more; 0: no matter.
    """

    until: int
    why: str
    max_staleness: int = 0


def judge(
    turn: Turn, map_: Map, instance: Instance, item: Do, standing: Standing
) -> Hold | Go | None:
    """Lets it leave or withholds it (None), or says how long it stands.

    A way on: it was withheld, and then she goes there. What sends nothing is done at once.
    """
    if not isinstance(item, Send | Task):
        _do(turn, map_, instance, item, standing)
        return None
    hold = _paused(turn, map_)  # 1
    if hold is not None:
        return hold
    expires = _expires(turn, map_, item, standing)
    reason, way_out = _is_over(turn, map_, standing, expires), None  # 1, 2
    if reason is None:
        way_out = _way_out(turn, map_, instance)  # 3
        reason = "cancelled" if way_out else _why_not(instance, item)  # 4, 5
    if reason is not None:
        withhold(turn, instance, item, standing, reason)
        if reason == "holdout" and map_.tracks:
            track(turn, map_, instance, item, standing, reason)
        return way_out
    if isinstance(item, Task):
        hand_out(turn, map_, instance, item, standing, expires)
        return None
    return _send(turn, map_, instance, item, standing, expires)


def _send(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Send,
    standing: Standing,
    expires: int | None,
) -> Hold | Go | None:
    chosen = choose(turn, map_, instance, item, standing)  # 6, rule 17
    if chosen.stop is not None:
        return _stopped(turn, instance, item, standing, chosen, chosen.stop, expires)
    if chosen.channel is None:
        return _without_channel(turn, instance, item, standing, chosen)
    leave(turn, map_, instance, item, standing, chosen, expires)
    return None


def _paused(turn: Turn, map_: Map) -> Hold | None:
    paused = turn.shard.paused.get(map_.name)
    if turn.shard.held:
        return Hold(0, "paused")
    if paused is not None and paused.mode == "hold":
        return Hold(until_resumed(turn.shard), "paused", paused.max_staleness)
    return None


def _do(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Change | Emit | Start,
    standing: Standing,
) -> None:
    """Who is held out of a map is not led into another by it (rule 15)."""
    if isinstance(item, Start) and instance.held_out:
        withhold(turn, instance, item, standing, "holdout")
    else:
        perform(turn, map_, instance, item, standing)


def _expires(turn: Turn, map_: Map, item: Send | Task, standing: Standing) -> int | None:
    if item.expires_after is None:
        return None
    return add(item.expires_after, standing.due, turn.zone(map_))


def _is_over(turn: Turn, map_: Map, standing: Standing, expires: int | None) -> str | None:
    """Whether its time has passed, or never comes."""
    if map_.name in turn.shard.paused:  # 1, to be discarded
        return "paused"
    if expires is not None and turn.shard.log_time > expires:  # 2
        return "expired"
    if standing.fresh_until and turn.shard.log_time > standing.fresh_until:
        return "stale"
    return None


def _way_out(turn: Turn, map_: Map, instance: Instance) -> End | None:
    """The first exit by a state that she is in as of log time (rule 5)."""
    if map_.watches:
        for each in map_.exits:
            if holds(turn, map_, instance, each.trigger, turn.shard.log_time):
                return End(each.outcome)
    return None


def _why_not(instance: Instance, item: Send | Task) -> str | None:
    """What no channel can help."""
    if item.place in instance.barred:  # 4, rule 9
        return "already_sent"
    if instance.held_out and item.class_ == "marketing":  # 5, rule 15
        return "holdout"
    return None


def _stopped(
    turn: Turn,
    instance: Instance,
    item: Send,
    standing: Standing,
    chosen: Chosen,
    stop: Stop,
    expires: int | None,
) -> Hold | Go | None:
    """Held, but never longer than it can still leave; else withheld."""
    if stop.policy == "hold":
        return Hold(stop.until if expires is None else min(stop.until, expires + 1), stop.why)
    withhold(turn, instance, item, standing, stop.why, chosen.passed_over, stop.by)
    return _way(stop.policy)


def _without_channel(
    turn: Turn, instance: Instance, item: Send, standing: Standing, chosen: Chosen
) -> Go | None:
    """`unreachable`, or what stopped the channel preferred among those that could be used."""
    reasons = [why for why in chosen.passed_over.values() if why in ("quiet", "capped")]
    reason = reasons[0] if reasons else "unreachable"
    withhold(turn, instance, item, standing, reason, chosen.passed_over)
    return None if reasons else _way(item.on_unreachable)


def _way(policy: Policy) -> Go | None:
    return policy if isinstance(policy, To | End) else None
