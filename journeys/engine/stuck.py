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
    before, said, counted = _encode(instance), len(turn.outputs), len(turn.edges)
    instances = turn.profile.instances
    turn.passes = 0
    try:
        step()
    except Exception as error:  # noqa: BLE001 (a designer's map or template may fail in any way)
        del turn.outputs[said:], turn.edges[counted:]
        turn.profile.instances = instances
        _put_back(instance, _decode(before))
        instance.stuck = f"{type(error).__name__}: {error}"[:200]
        instance.tries += 1
        _tell(turn, instance, cause, instance.stuck)
        return False
    return True


def _tell(turn: Turn, instance: Instance, cause: Cause, reason: str) -> None:
    turn.tell(
        "stuck",
        instance,
        turn.shard.log_time,
        cause,
        (cause.ref, str(instance.tries)),
        {"stage": instance.stage or None, "reason": reason, "offset": turn.offset},
    )
    turn.count(instance.map, instance.version, "stuck")


def _put_back(instance: Instance, before: Instance) -> None:
    for name in instance.__struct_fields__:
        setattr(instance, name, getattr(before, name))
