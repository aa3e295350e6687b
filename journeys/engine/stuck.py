"""What fails in advancing one instance stays with that instance.

The fold is pure, so what failed fails again: it is an outcome, not weather. The instance is put
back to what it was before the record, nothing of the failed step is said, all others go on.
"""

from collections.abc import Callable

import msgspec

from .profile import Instance
from .turn import Cause, Turn

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Instance).decode


def guarded(turn: Turn, instance: Instance, cause: Cause, step: Callable[[], object]) -> bool:
    """Runs the step; False if it failed and the instance is now stuck.

    A step ends an instance by its last act, so putting back the instance puts back all.
    """
    before, instances = _encode(instance), turn.profile.instances
    reason = attempt(turn, step)
    if reason is None:
        return True
    turn.profile.instances = instances
    _put_back(instance, _decode(before))
    instance.stuck = reason
    instance.tries += 1
    ids = (cause.ref, str(instance.tries))
    more = {"stage": instance.stage or None, "reason": reason, "offset": turn.offset}
    turn.tell("stuck", instance, turn.shard.log_time, cause, ids, more)
    turn.count(instance.map, instance.version, "stuck")
    return False


def attempt(turn: Turn, step: Callable[[], object]) -> str | None:
    """Runs the step; the reason if it failed, and then it has said nothing.

    Facts, arms and places are as before, for a step that changes these does so in new collections.
    Instances and memory are the caller's to put back.
    """
    profile = turn.profile
    traits, tags, arms = profile.traits, profile.tag_list, profile.arms
    places, windows, occasions = profile.places, profile.windows, profile.occasions
    said, counted, turn.passes = len(turn.outputs), len(turn.edges), 0
    try:
        step()
    except Exception as error:  # noqa: BLE001 (a designer's map or template may fail in any way)
        del turn.outputs[said:], turn.edges[counted:]
        profile.traits, profile.tag_list, profile.arms = traits, tags, arms
        profile.places, profile.windows, profile.occasions = places, windows, occasions
        reason = f"{type(error).__name__}: {error}"[:200]
        return reason.encode("utf-8", "replace").decode()
    return None


def _put_back(instance: Instance, before: Instance) -> None:
    for name in instance.__struct_fields__:
        setattr(instance, name, getattr(before, name))
