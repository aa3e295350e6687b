"""Moving through the stages: arriving, passing on, resting, ending.

`when` is always logical time (rule 4). A stage without a rest is left in the same step; 100
passes in one step are a loop, and end the instance (rule 18).
"""

from journeys.language.model import Await, Choice, End, Go, Map, Stage

from .arms import arm_of
from .credit import remember_end
from .gate import cancel, request
from .judging import Hold
from .profile import Instance, Left, Then
from .turn import Cause, Turn
from .waits import arm

PASSES_AT_MOST = 100


def go(
    turn: Turn, map_: Map, instance: Instance, where: Go, since: int, when: int, cause: Cause
) -> None:
    """Leaves the stage for `where`; what still stands at the gate is cancelled (rule 21).

    `since` is when it was decided, `when` the arrival: later only after a hold.
    """
    cancel(turn, map_, instance)
    if isinstance(where, End):
        end(turn, map_, instance, where.outcome, when, cause)
        return
    arrive(turn, map_, instance, where.stage, since, when, cause)


def arrive(
    turn: Turn, map_: Map, instance: Instance, name: str, since: int, when: int, cause: Cause
) -> None:
    """Arrives in a stage and passes on until she rests, waits at the gate or ends."""
    while True:
        turn.passes += 1
        if turn.passes > PASSES_AT_MOST:
            end_loop(turn, map_, instance, when, cause)
            return
        stage = map_.stages[name]
        _enter_stage(turn, instance, stage, since, when, cause)
        found = request(turn, map_, instance, stage.do, when, cause, None, holds=True)
        if isinstance(found, Hold):
            instance.then = Then("do", 0, since, cause.id, cause.kind, cause.armed)
            return
        where = found or onward(turn, map_, instance, stage, when)
        if where is None:
            arm(turn, map_, instance, stage)
            return
        if isinstance(where, End):
            end(turn, map_, instance, where.outcome, when, cause)
            return
        name = where.stage


def onward(turn: Turn, map_: Map, instance: Instance, stage: Stage, when: int) -> Go | None:
    """Where a stage that does not rest sends her; None: she rests."""
    if stage.choose:
        return _chosen(turn, map_, instance, stage.choose, when)
    if stage.awaits is not None:
        return _awaited(instance, stage.awaits)
    if stage.split is not None:
        return arm_of(turn, map_, instance, stage.split).go
    return stage.go


def end(turn: Turn, map_: Map, instance: Instance, outcome: str, when: int, cause: Cause) -> None:
    """Ends the instance; what re-entry must know of it stays (rule 2).

    Of a keyed map without such a rule nothing stays: a profile may see many carts.
    """
    cancel(turn, map_, instance)
    part(turn, instance, outcome, when, cause)
    remember_end(turn, map_, instance, when, outcome)
    where, rule = memory_key(map_.name, instance.key), map_.reentry
    if instance.key is not None and not (rule.mode == "never" or rule.cooldown or rule.limit):
        turn.profile.memory.pop(where, None)
    elif memory := turn.profile.memory.get(where):
        memory.exit = when if memory.exit is None else max(memory.exit, when)
        memory.sent = dict(instance.sent)


def end_loop(turn: Turn, map_: Map, instance: Instance, when: int, cause: Cause) -> None:
    """Rule 18: ends it as `looped`, and reports it."""
    more = {"stage": instance.stage, "reason": "loop"}
    turn.tell("report", instance, when, cause, ("loop", str(instance.visit)), more)
    turn.count(instance.map, instance.version, "report:loop")
    end(turn, map_, instance, "looped", when, cause)


def part(turn: Turn, instance: Instance, outcome: str, when: int, cause: Cause) -> None:
    """Tells the end and takes the instance out of the profile."""
    turn.tell(
        "end",
        instance,
        when,
        cause,
        (outcome, str(instance.visit)),
        {"stage": instance.stage, "outcome": outcome},
    )
    turn.count(instance.map, instance.version, f"end:{outcome}")
    profile = turn.profile
    profile.instances = [other for other in profile.instances if other is not instance]
    instance.timers, instance.visit = [], -1


def has_ended(instance: Instance) -> bool:
    return instance.visit < 0


def memory_key(map_name: str, key: str | None) -> str:
    """Where a profile keeps the memory of a map and key; no map's name holds a `/`."""
    return map_name if key is None else f"{map_name}/{key}"


def _enter_stage(
    turn: Turn, instance: Instance, stage: Stage, since: int, when: int, cause: Cause
) -> None:
    left, instance.stage = instance.stage, stage.name
    if left and instance.since < since:
        # At exactly the deadline the touchpoint would have won.
        until = since + 1 if cause.kind == "timer" else since
        instance.left = Left(left, instance.since, until, cause.id)
    instance.visit += 1
    instance.since, instance.held, instance.timers = since, when - since, []
    instance.settling = None
    turn.arrived.add(instance.id)
    instance.visits[stage.name] = instance.visits.get(stage.name, 0) + 1
    kind = "move" if left else "enter"
    turn.tell(
        kind,
        instance,
        when,
        cause,
        (str(instance.visit),),
        {"stage": left or None, "to": stage.name},
    )
    if not left:
        turn.count(instance.map, instance.version, "enter")
    turn.count(instance.map, instance.version, f"stage:{stage.name}")


def _chosen(
    turn: Turn, map_: Map, instance: Instance, choices: tuple[Choice, ...], when: int
) -> Go | None:
    scope = turn.look(map_, instance, None, when)
    for choice in choices:
        if choice.when is None or choice.when.run(scope) is True:
            return choice.go
    return None


def _awaited(instance: Instance, awaits: Await) -> Go | None:
    """At once where its action did not leave; one who is held out takes it for granted that it
    arrived (rule 15)."""
    visit, place = instance.visit, awaits.place
    found = [sent for sent in instance.actions if sent.visit == visit and sent.place == place]
    if not found:
        return awaits.other
    silent = found[-1].state == "holdout" and awaits.result in ("accepted", "delivered")
    return awaits.go if silent else None
