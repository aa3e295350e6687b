"""One transaction's outputs, tested against I3 and I5 at the moment they become visible."""

from collections.abc import Sequence

from .model import Model
from .state import State, Violation, append, at


def published(
    model: Model, s: State, shard: int, outputs: Sequence[tuple], held: Sequence[tuple] = ()
) -> State:
    """After the transaction: each output was the next in line of the sequential fold (I3)."""
    for output in outputs:
        if output[0] == "Action" and output[3] is not None:
            _check_timer(model, s, *output[1:])
    expected = [output for _, output in model.meaning.whole(s.inbox[shard])[1]]
    count = s.published[shard]
    for output in outputs:
        if count < len(expected) and output == expected[count]:
            count += 1
        elif not (model.rules.may_repeat and output in expected[:count]):
            raise Violation(f"I3 {_what_is_wrong(output, expected, count)}: {output[1:]}")
    t = s._replace(published=at(s.published, shard, count))
    return delivered(t, [output for output in outputs if output not in held])


def delivered(s: State, outputs: Sequence[tuple]) -> State:
    """Records for other shards stand in their inboxes."""
    for output in outputs:
        if output[0] == "Send":
            s = append(s, output[1], output[2])
    return s


def _what_is_wrong(output: tuple, expected: list, count: int) -> str:
    if output in expected[:count]:
        return "published twice"
    return "published too early" if output in expected else "published without a cause"


def _check_timer(
    model: Model, s: State, action: str, version: int, due: int, history: tuple
) -> None:
    """I5: never before it was due, nor past a touchpoint that was there before that."""
    if due > s.now:
        raise Violation(f"I5 timer {action} fired before it was due")
    world = model.world
    skew = world.skew if world.strict else 0
    if world.watermark:
        for source, moments in zip(world.sources, s.topics, strict=True):
            for touchpoint, moment in zip(source, moments, strict=False):
                if moment - skew < due and touchpoint not in history:
                    raise Violation(f"I5 timer {action} fired though {touchpoint} was in its topic")
    for touchpoint in world.stops:
        if touchpoint not in history:
            raise Violation(
                f"I5 timer {action} fired though {touchpoint} was in the inbox of the loser"
            )
