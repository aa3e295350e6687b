"""The gate (rule 21): each action is judged when it would leave, and anew after each hold.

Here stand, in this order: 1 pause, 2 expiry, 3 what a merge says has been sent, 4 the channel.
"""

from journeys.language.model import Map, Send
from journeys.language.scope import Noticed

from .channels import choose
from .ids import cause_id
from .local_time import add
from .profile import Instance, Standing
from .sending import leave, withhold
from .turn import Cause, Turn


def request(
    turn: Turn,
    map_: Map,
    instance: Instance,
    items: tuple[Send, ...],
    due: int,
    cause: Cause,
    event: Noticed | None,
    holds: bool,
) -> bool:
    """Judges the items in order; True if she now waits for one that stands at the gate.

    `event` is what `event.x` in `with` means; None: the last touchpoint the instance took.
    """
    waits = False
    for item in items:
        standing = _prepared(turn, map_, instance, item, due, cause, event, holds)
        if turn.shard.held:  # 1
            instance.gate.append(standing)
            waits = waits or holds
        else:
            _judge(turn, map_, instance, item, standing)
    return waits


def judge_anew(turn: Turn, map_: Map, instance: Instance) -> None:
    """After a pause, what stands at the gate leaves or is withheld, in order (rule 11)."""
    standing, instance.gate = instance.gate, []
    for one in standing:
        _judge(turn, map_, instance, _item(map_, one.place), one)


def cancel(turn: Turn, map_: Map, instance: Instance) -> None:
    """She moves on or ends: what stands at the gate is withheld `cancelled`."""
    if not instance.gate and instance.then is None:
        return
    standing, instance.gate, instance.then = instance.gate, [], None
    for one in standing:
        withhold(turn, instance, _item(map_, one.place), one, "cancelled")


def _prepared(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Send,
    due: int,
    cause: Cause,
    event: Noticed | None,
    holds: bool,
) -> Standing:
    scope = turn.look(map_, instance, event, due)
    return Standing(
        cause_id("action", instance.id, str(instance.visit), item.place, cause.ref),
        item.place,
        due,
        turn.shard.log_time,
        cause.id,
        cause.kind,
        cause.armed,
        {name: expression.run(scope) for name, expression in item.values.items()},
        holds,
    )


def _judge(turn: Turn, map_: Map, instance: Instance, item: Send, standing: Standing) -> None:
    zone = turn.zone(map_)
    expires = add(item.expires_after, standing.due, zone) if item.expires_after else None
    if expires is not None and turn.shard.log_time > expires:  # 2
        withhold(turn, instance, item, standing, "expired")
        return
    if item.place in instance.barred:  # 3, rule 9
        withhold(turn, instance, item, standing, "already_sent")
        return
    template = turn.book.workspace.templates[item.template]
    chosen = choose(turn, map_, instance, item, template)  # 4, rule 17
    if chosen.channel is None:
        withhold(turn, instance, item, standing, "unreachable", chosen.passed_over)
        return
    leave(turn, map_, instance, item, standing, chosen, template, expires)


def _item(map_: Map, place: str) -> Send:
    """The send at this place of a pinned version; places are unique in a map."""
    for stage in map_.stages.values():
        for items in (stage.do, *(x.do for x in stage.on), *(x.do for x in stage.after)):
            for item in items:
                if item.place == place:
                    return item
    return next(item for line in map_.anywhere for item in line.do if item.place == place)
