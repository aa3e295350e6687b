"""The search: every state that can be reached, breadth first, so a trace is a shortest one.

A state in which no healthy step is left is an end, and is tested as one.
"""

from collections import deque

from .folding import fold_steps, tick_steps
from .model import Model, Steps
from .outside import redis_steps, world_steps
from .rest import check_rest
from .state import Found, Protections, State, Violation, World, first_state
from .stitching import repair_steps, stitch_steps


def search(rules: Protections, world: World, budget: dict[str, int], most: int) -> Found:
    """Looks at all states, up to `most`, or stops at the first violation."""
    model, first = Model(rules, world), first_state(rules, world, budget)
    came: dict[State, tuple[State, str] | None] = {first: None}
    queue, found = deque([first]), Found(states=0, ends=0, full_ends=0)
    while queue and not found.capped:
        s = queue.popleft()
        try:
            _visit(model, s, came, queue, found)
        except Violation as violation:
            found.broken, found.trace = str(violation), _trace(came, s)
            break
        found.capped = len(came) > most
    found.states = len(came)
    return found


def _visit(model: Model, s: State, came: dict, queue: deque, found: Found) -> None:
    healthy = False
    for what, after, progress in _steps(model, s):
        healthy = healthy or progress
        if after not in came:
            came[after] = (s, what)
            queue.append(after)
    if not healthy:
        found.ends += 1
        found.full_ends += not any(s.budget)
        check_rest(model, s)


def _steps(model: Model, s: State) -> Steps:
    yield from world_steps(model, s)
    for source in range(len(model.world.sources)):
        yield from stitch_steps(model, s, source)
    yield from repair_steps(model, s)
    if not model.world.calm or _stitched(model, s):
        yield from _folding(model, s)
    yield from redis_steps(model, s)


def _stitched(model: Model, s: State) -> bool:
    """Identity looks at nothing that the folds write, so a calm world lets them wait for this."""
    ends = tuple(len(source) for source in model.world.sources)
    return s.valid and not s.identity.outbox and s.stitch_cursors == ends


def _folding(model: Model, s: State) -> Steps:
    for shard in range(model.world.shards):
        steps = [*fold_steps(model, s, shard), *tick_steps(model, s, shard)]
        yield from steps
        if model.world.calm and any(healthy for _, _, healthy in steps):
            break


def _trace(came: dict, s: State) -> list[str]:
    steps = []
    while came[s]:
        s, what = came[s]
        steps.append(what)
    return steps[::-1]
