"""What becomes of actions (rule 16): results come back as touchpoints and move people on.

An instance of a map that looks at results remembers the actions that left. Their results are
touchpoints like others, given to goals, exits and lines; here is what they do besides.
"""

from journeys.language.model import End, Go, Map, Send, Task, To, Trigger, doings
from journeys.language.names import RESULTS, result_type
from journeys.language.scope import Noticed
from schemas.touchpoint import Touchpoint

from .caps import give_back
from .failures import note_failure
from .gate import again
from .moves import go
from .profile import FINAL, Instance, Remembered, Sent
from .turn import Turn, by_touchpoint

RESULT_TYPES = frozenset(map(result_type, RESULTS))

FAILED = result_type("failed")

_LOST = frozenset({"failed", "expired", "declined"})


def note(turn: Turn, touchpoint: Touchpoint | Remembered) -> None:
    """Of an action that came to nothing the place is free again (rule 13); what it was sent to may
    be of no use (rule 17)."""
    if isinstance(touchpoint, Touchpoint) and touchpoint.type == FAILED:
        note_failure(turn, touchpoint)
    action = touchpoint.properties.get("action_id")
    if turn.profile.places and _result(touchpoint) in _LOST and isinstance(action, str):
        give_back(turn.profile, action)


def settled(turn: Turn, map_: Map, instance: Instance, event: Noticed) -> bool:
    """Writes down what became of an action of the instance.

    True if its send says what to do about that: then nothing else is to look at it.
    """
    sent = _sent(instance, event)
    if sent is None:
        return False
    result, item, was_open = _result(event), _item(map_, sent.place), sent.is_open
    if was_open and result in (*FINAL, "accepted"):
        sent.state = result
    _tell(turn, map_, instance, item, sent, event)
    here = was_open and sent.visit == instance.visit
    if result != "failed" or not here or not isinstance(item, Send):
        return False
    where: Go | bool = False
    if isinstance(item.on_failed, To | End):
        where = item.on_failed
    elif sent.standing is not None:
        where = again(turn, map_, instance, item, sent.standing, sent.channel, event)
    if isinstance(where, bool):
        return where
    go(
        turn,
        map_,
        instance,
        where,
        event.time,
        max(event.time, instance.base),
        by_touchpoint(event),
    )
    return True


def is_noticed(instance: Instance, map_: Map, trigger: Trigger, event: Noticed) -> bool:
    """Whether the result is of an action the trigger means; by default of this stage visit."""
    sent = _sent(instance, event)
    if sent is None:
        return False
    if trigger.of:
        return _name(_item(map_, sent.place)) == trigger.of
    if sent.visit != instance.visit:
        return False
    return not trigger.place or sent is _latest(instance, trigger.place)


def overdue(instance: Instance) -> Sent | None:
    """The action whose sla is over first, of those nothing final is known of."""
    waiting = [one for one in instance.actions if one.is_waited_for]
    return min(waiting, key=lambda one: one.until, default=None)


def as_expired(sent: Sent) -> Remembered:
    """The result the engine itself reports when an sla is over."""
    name = f"{sent.id}/sla"
    found = {"action_id": sent.id}
    return Remembered(name, result_type("expired"), sent.until, 0, "wayline", "", found)


def _sent(instance: Instance, event: Noticed) -> Sent | None:
    action = event.properties.get("action_id")
    return next((one for one in instance.actions if one.id == action), None)


def _latest(instance: Instance, place: str) -> Sent | None:
    """Of a send that was tried by several channels the one tried last."""
    found = [one for one in instance.actions if one.place == place]
    return found[-1] if found else None


def _result(event: Noticed) -> str:
    return event.type.removeprefix("action.")


def _item(map_: Map, place: str) -> Send | Task:
    found = next(item for item in doings(map_) if item.place == place)
    assert isinstance(found, Send | Task)
    return found


def _name(item: Send | Task) -> str:
    return item.template if isinstance(item, Send) else item.task


def _tell(
    turn: Turn, map_: Map, instance: Instance, item: Send | Task, sent: Sent, event: Noticed
) -> None:
    result = _result(event)
    what = "template" if isinstance(item, Send) else "task"
    more = {"stage": instance.stage, "action_id": sent.id, what: _name(item), "result": result}
    cause = by_touchpoint(event)
    turn.tell("result", instance, event.time, cause, (sent.id, cause.ref), more)
    turn.count(map_.name, map_.version, f"result:{_name(item)}={result}")
