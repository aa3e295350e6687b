"""The gate: where actions stand that may not leave yet, each behind those of its `do` before it.

`judging` says what becomes of one; here is the order in which they are asked, and that what is
behind one that stands is not asked before it (rule 21).
"""

import msgspec

from journeys.language.model import Do, Expression, Go, Map, Send, Task, doings
from journeys.language.scope import Noticed, Scope

from .ids import cause_id
from .judging import Hold, judge
from .keys import as_text
from .profile import Instance, Standing
from .sending import withhold
from .steering import is_ripe
from .turn import Cause, Turn, by_touchpoint


def request(
    turn: Turn,
    map_: Map,
    instance: Instance,
    items: tuple[Do, ...],
    due: int,
    cause: Cause,
    event: Noticed | None,
    holds: bool,
) -> Hold | Go | None:
    """Judges the items in order. Hold: she waits for one at the gate, which only `holds` allows.

    A way on: one was withheld, and she goes there; the items after it are cancelled. `event` is
    what `event.x` in `with` means; None: the last touchpoint the instance took.
    """
    hold: Hold | None = None
    way: Go | None = None
    for item in items:
        standing = _prepared(turn, map_, instance, item, due, cause, event, holds)
        if way is not None:
            withhold(turn, instance, item, standing, "cancelled")
        elif hold is not None:
            _stand(instance, standing, hold)
        else:
            match judge(turn, map_, instance, item, standing):
                case Hold() as hold:
                    _stand(instance, standing, hold)
                case way:
                    pass
    return (hold if holds else None) or way


def judge_anew(
    turn: Turn, map_: Map, instance: Instance, moment: int
) -> tuple[Go, Standing] | None:
    """Asks again, in order, for what stands at the gate until `moment` or earlier.

    Returns where she goes if one was withheld and says so; then all behind it still stand.
    """
    before, instance.gate = instance.gate, []
    blocked: dict[tuple[str, str], Hold] = {}
    for index, one in enumerate(before):
        group = one.place.rpartition("/")[0], one.cause
        hold = blocked.get(group)
        if hold is None and not is_ripe(turn.shard, one.until, moment):
            hold = Hold(one.until, one.why)
        if hold is None:
            found = judge(turn, map_, instance, _item(map_, one.place), one)
            if found is not None and not isinstance(found, Hold):
                instance.gate += before[index + 1 :]
                return found, one
            hold = found
        if hold is not None:
            blocked[group] = hold
            _stand(instance, one, hold)
    return None


def again(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Send,
    standing: Standing,
    failed: str,
    event: Noticed,
) -> Go | bool:
    """Tries the channels after the one that failed; the action has an id of its own.

    True if it left or stands at the gate, False if it was withheld; or where she goes then.
    """
    cause = by_touchpoint(event)
    next_ = msgspec.structs.replace(
        standing,
        id=cause_id("action", standing.id, "failed"),
        stood=turn.shard.log_time,
        cause=cause.id,
        kind=cause.kind,
        armed=0,
        holds=False,
        until=0,
        tried=[*standing.tried, failed],
    )
    found = judge(turn, map_, instance, item, next_)
    if isinstance(found, Hold):
        _stand(instance, next_, found)
        return True
    return found or instance.actions[-1].id == next_.id


def shut(turn: Turn, instance: Instance, moment: int) -> None:
    """The gate is shut when their time has come: they stand until it opens."""
    for one in instance.gate:
        if is_ripe(turn.shard, one.until, moment):
            one.until = 0


def cancel(turn: Turn, map_: Map, instance: Instance) -> None:
    """She moves on or ends: what stands at the gate is withheld `cancelled`."""
    if not instance.gate and instance.then is None:
        return
    standing, instance.gate, instance.then = instance.gate, [], None
    for one in standing:
        withhold(turn, instance, _item(map_, one.place), one, "cancelled")


def _stand(instance: Instance, standing: Standing, hold: Hold) -> None:
    standing.until, standing.why = hold.until, hold.why
    if hold.max_staleness:
        until = standing.due + hold.max_staleness
        standing.fresh_until = min(until, standing.fresh_until or until)
    instance.gate.append(standing)


def _prepared(
    turn: Turn,
    map_: Map,
    instance: Instance,
    item: Do,
    due: int,
    cause: Cause,
    event: Noticed | None,
    holds: bool,
) -> Standing:
    scope = turn.look(map_, instance, event, due)
    store, assign = _whose(item, scope)
    return Standing(
        cause_id("action", instance.id, str(instance.visit), item.place, cause.ref),
        item.place,
        cause.planned or due,
        turn.shard.log_time,
        cause.id,
        cause.kind,
        cause.armed,
        {name: expression.run(scope) for name, expression in item.values.items()},
        holds,
        until=cause.not_before,
        store=store,
        fresh_until=cause.fresh_until,
        assign=assign,
        flags=list(cause.flags),
    )


def _whose(item: Do, scope: Scope) -> tuple[str, str]:
    """On behalf of which store, and who is to do it; empty where nothing says so."""
    store = item.store if isinstance(item, Send | Task) else None
    assign = item.assign if isinstance(item, Task) else None
    return _text(store, scope), _text(assign, scope)


def _text(expression: Expression | None, scope: Scope) -> str:
    return as_text(expression.run(scope) if expression else None) or ""


def _item(map_: Map, place: str) -> Do:
    """The item at this place of a pinned version; places are unique in a map."""
    return next(item for item in doings(map_) if item.place == place)
