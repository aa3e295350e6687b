"""What must hold when no healthy process has anything left to do: I3 to I8."""

from .identity import root
from .model import Model
from .state import Gone, Live, State, Violation


def check_rest(model: Model, s: State) -> None:
    """Raises Violation for the first invariant that does not hold at rest."""
    for shard in range(model.world.shards):
        _check_shard(model, s, shard)
    if s.identity.outbox:
        raise Violation("I8 identity's outbox was never sent")
    _check_actions(model, s)
    profiles = [pair for picture in s.stored for pair in picture.profiles]
    histories = {name: p.history for name, p in profiles if isinstance(p, Live)}
    _check_histories(model, s, [fact for history in histories.values() for fact in history])
    _check_order(model, histories)
    redirects = {name: p.to for name, p in profiles if isinstance(p, Gone)}
    homes = {name for name, history in histories.items() if history}
    _check_person(model, s, homes, redirects)


def _check_shard(model: Model, s: State, shard: int) -> None:
    picture, outputs = model.meaning.whole(s.inbox[shard])
    stored, count = s.stored[shard], s.published[shard]
    if stored.offset < len(s.inbox[shard]):
        raise Violation(f"I8 shard {shard} was not read to its end")
    if count < len(outputs):
        raise Violation(f"I3 never published: {outputs[count][1][1:3]}")
    for _, profile in stored.profiles:
        if isinstance(profile, Live) and any(t[0] <= s.now for t in profile.timers):
            raise Violation("I8 a due timer never fired")
    if model.world.publication and picture.version != 1:
        raise Violation(f"I8 shard {shard} never learnt of the version")


def _check_actions(model: Model, s: State) -> None:
    outputs = [output for log in s.inbox for _, output in model.meaning.whole(log)[1]]
    names = [output[1] for output in outputs if output[0] == "Action"]
    for name in names:
        if names.count(name) > 1:
            raise Violation(f"I3 action {name} published twice")


def _check_histories(model: Model, s: State, facts: list[str]) -> None:
    stopped = {touch.cancels for touch in model.world.touches.values()}
    for touchpoint, touch in model.world.touches.items():
        if facts.count(touchpoint) != 1:
            how = "applied twice" if touchpoint in facts else "lost"
            raise Violation(f"I4 touchpoint {touchpoint} {how}")
        fired = facts.count(f"f{touchpoint}")
        if fired > 1:
            raise Violation(f"I5 timer f{touchpoint} fired twice")
        due = touch.arm and touch.arm <= s.now and touchpoint not in stopped
        if due and not fired:
            raise Violation(f"I5 timer f{touchpoint} lost")


def _check_order(model: Model, histories: dict[str, tuple]) -> None:
    facts = [fact for history in histories.values() for fact in history]
    for source in model.world.sources if model.world.ordered else ():
        if [fact for fact in facts if fact in source] != list(source):
            raise Violation("I7 order of a source broken")


def _check_person(model: Model, s: State, homes: set[str], redirects: dict[str, str]) -> None:
    if len(homes) > 1 and model.world.one_person:
        raise Violation(f"I6 one person split over {sorted(homes)}")
    for identifier, profile in s.identity.links:
        leads, hops = root(s.identity.nodes, profile), 0
        while leads in redirects and hops < 9:
            leads, hops = redirects[leads], hops + 1
        if homes and leads not in homes:
            raise Violation(
                f"I6 identity leads {identifier} to {leads}, the history is at {sorted(homes)}"
            )
