"""The stitch agent: a source's touchpoints resolved, one by one, into the inbox; and the repair.

A batch is one touchpoint, or nothing but what a predecessor left in identity's outbox.
"""

from .identity import repaired, resolved, root
from .model import Model, Steps
from .state import (
    State,
    Stitcher,
    Violation,
    Worker,
    append,
    as_zombie,
    at,
    init_transactions,
    left,
    spend,
    thinking,
    workers,
)


def stitch_steps(model: Model, s: State, source: int) -> Steps:
    """All that the two workers of a source may do, or suffer, next."""
    for w in workers(s, "stitchers", source):
        if w.mind is None:
            if w.owner:
                yield from _begin(model, s, w)
            continue
        yield from _next(model, s, w)
        if model.world.watermark and w.mind.stage in ("idle", "noting", "resolved"):
            yield from _note_progress(model, s, w)
        if w.owner:
            yield from _faults(model, s, w)


def repair_steps(model: Model, s: State) -> Steps:
    """Fence all, assert what the inbox holds, set id:valid: one step here."""
    rules = model.rules
    if s.valid or (s.hanging and rules.repair_end == "high"):
        return
    t = s._replace(valid=True)
    if rules.repair:
        ends = s.hanging.ends if s.hanging else tuple(len(log) for log in s.inbox)
        seen = [log[:end] for log, end in zip(s.inbox, ends, strict=True)]
        t = t._replace(identity=repaired(s.identity, seen, model.world.touches, rules.resend))
    if rules.refence:
        fenced = tuple(
            owners._replace(
                slots=tuple(mind and mind._replace(current=False) for mind in owners.slots)
            )
            for owners in t.stitchers
        )
        t = t._replace(stitchers=fenced)
    yield "identity is repaired", t, True


def _begin(model: Model, s: State, w: Worker) -> Steps:
    if model.rules.fence_first:
        mind = Stitcher("starts", True, None, None)
        yield f"{w.name} fences", init_transactions(s, w, mind), True
    else:
        cursor = s.stitch_cursors[w.part]
        mind = Stitcher("starts", True, cursor, None)
        yield f"{w.name} reads cursor {cursor}", thinking(s, w, mind), True


def _next(model: Model, s: State, w: Worker) -> Steps:
    match w.mind.stage:
        case "starts":
            yield from _started(model, s, w)
        case "idle":
            if (w.owner or model.world.split) and (s.valid or not model.rules.gate):
                yield from _take(model, s, w)
        case "read":
            yield from _script(model, s, w, w.mind)
        case "resolved":
            yield from _commit(model, s, w)
        case "produced":
            yield from _cursor_afterwards(s, w)
        case "sent":
            yield from _trim(s, w)


def _started(model: Model, s: State, w: Worker) -> Steps:
    if model.rules.fence_first:
        for cursor in model.stitch_cursor(s, w.part):
            mind = Stitcher("idle", w.mind.current, cursor, None)
            yield f"{w.name} reads cursor {cursor}", thinking(s, w, mind), True
    else:
        mind = w.mind._replace(stage="idle", current=True)
        yield f"{w.name} fences", init_transactions(s, w, mind), True


def _take(model: Model, s: State, w: Worker) -> Steps:
    """Step 2."""
    position = w.mind.position
    if position < len(s.topics[w.part]):
        touchpoint = model.world.sources[w.part][position]
        mind = w.mind._replace(stage="read", hand=_facts(model, s, touchpoint))
        if model.world.split:
            yield f"{w.name} reads identity", thinking(s, w, mind), w.owner
        else:
            yield from _script(model, s, w, mind)
    elif w.owner and model.rules.outbox != "own":
        merges = _unsent(model, s, s.identity.outbox)
        if merges:
            mind = w.mind._replace(stage="resolved", hand=(None, None, merges))
            yield f"{w.name} takes the outbox", thinking(s, w, mind), True


def _facts(model: Model, s: State, touchpoint: str) -> tuple:
    """What the decision looks at: the links of its identifiers and the nodes they lead to."""
    identifiers = model.world.touches[touchpoint].identifiers
    links = dict(s.identity.links)
    nodes = {node[0]: node for node in s.identity.nodes}
    profiles = [*(links.get(x) for x in identifiers), identifiers[0].upper()]
    return tuple(
        (p, nodes.get(p), nodes[root(s.identity.nodes, p)] if p in nodes else None)
        for p in profiles
    )


def _script(model: Model, s: State, w: Worker, mind: Stitcher) -> Steps:
    """Step 3: writes if what was read still holds."""
    touchpoint = model.world.sources[w.part][mind.position]
    if _facts(model, s, touchpoint) != mind.hand:
        again = mind._replace(stage="idle", hand=None)
        yield f"{w.name} is refused by the script", thinking(s, w, again), w.owner
        return
    fact = model.world.touches[touchpoint]
    identity, profile = resolved(s.identity, fact.identifiers, fact.time)
    if model.rules.outbox in ("own", "own first"):
        merges = tuple(m for m in identity.outbox if m not in s.identity.outbox)
    else:
        merges = _unsent(model, s, identity.outbox)
    mind = mind._replace(stage="resolved", hand=(touchpoint, profile, merges))
    what = f"{w.name} resolves {touchpoint} -> {profile}"
    yield what, thinking(s, w, mind, identity=identity), w.owner


def _unsent(model: Model, s: State, outbox: tuple) -> tuple:
    """All of it; but what another owner has in hand it sends itself (`all`: really all)."""
    if model.rules.outbox == "all":
        return outbox
    taken = set()
    for owner, slots in s.stitchers:
        mind = slots[owner]
        if mind and mind.hand and mind.stage == "resolved":
            taken.update(mind.hand[2])
        elif mind and mind.hand and mind.stage == "sent":
            taken.update(mind.hand)
    return tuple(merge for merge in outbox if merge not in taken)


def _commit(model: Model, s: State, w: Worker) -> Steps:
    """Step 4: Merged notes, the touchpoint, the cursor, in one transaction."""
    touchpoint, profile, merges = w.mind.hand
    home, position = model.world.home, w.mind.position
    records = [(home[loser], ("Merged", loser, survivor)) for loser, survivor in merges]
    if touchpoint:
        arrived = ("Arrived", profile, touchpoint, (w.part, position))
        records.append((home[profile], arrived))
    if not w.mind.current and model.rules.stitch_fence:
        yield f"{w.name} is fenced", thinking(s, w, None), w.owner
        return
    if w.owner and left(s, "abort"):
        yield _aborted(s, w, records)
    t = s
    for shard, record in records:
        if not model.rules.may_repeat:
            _check_once(t, record)
        t = append(t, shard, record)
    at_least_once = model.rules.stitch == "alo"
    if touchpoint and at_least_once:
        mind = w.mind._replace(stage="produced", hand=None)
    else:
        stage = "sent" if merges else "idle"
        mind = Stitcher(stage, w.mind.current, position + bool(touchpoint), merges)
        if touchpoint:
            t = t._replace(stitch_cursors=at(t.stitch_cursors, w.part, position + 1))
    what = f"{w.name} commits {[record[:3] for _, record in records]}"
    yield what, thinking(t, w, mind), w.owner


def _aborted(s: State, w: Worker, records: list) -> tuple[str, State, bool]:
    t = spend(thinking(s, w, None), "abort")
    for shard, record in records:
        t = append(t, shard, ("Aborted", record))
    return f"{w.name} CRASHES inside its transaction", t, False


def _check_once(s: State, record: tuple) -> None:
    """I1."""
    if record[0] != "Arrived":
        return
    for log in s.inbox:
        if any(other[0] == "Arrived" and other[3] == record[3] for other in log):
            raise Violation(f"I1 touchpoint {record[2]} is in the inbox twice")


def _cursor_afterwards(s: State, w: Worker) -> Steps:
    position = w.mind.position + 1
    mind = w.mind._replace(stage="idle", position=position, hand=None)
    cursors = at(s.stitch_cursors, w.part, max(s.stitch_cursors[w.part], position))
    yield f"{w.name} writes its cursor", thinking(s, w, mind, stitch_cursors=cursors), w.owner


def _trim(s: State, w: Worker) -> Steps:
    """Step 5."""
    rest = tuple(merge for merge in s.identity.outbox if merge not in w.mind.hand)
    mind = w.mind._replace(stage="idle", hand=None)
    identity = s.identity._replace(outbox=rest)
    yield f"{w.name} trims the outbox", thinking(s, w, mind, identity=identity), w.owner


def _note_progress(model: Model, s: State, w: Worker) -> Steps:
    """A moment, then the high watermark; noted when the committed position has reached it."""
    mind, high, now = w.mind, len(s.topics[w.part]), model.redis_clock(s)
    first = model.rules.moment == "first"
    if mind.stage == "resolved":  # M26: read to the end, but the batch is still in its hands
        ended = mind.position + 1 >= high and now > s.progress[w.part]
        if model.rules.progress == "read" and ended:
            yield _noted(s, w, mind, now)
    elif mind.stage == "idle":
        if w.owner and now > s.progress[w.part] and (first or mind.position >= high):
            what = "takes the moment" if first else "asks the high watermark"
            noting = mind._replace(stage="noting", hand=now)
            yield f"{w.name} {what}", thinking(s, w, noting), True
    elif first and mind.position < high:
        idle = mind._replace(stage="idle", hand=None)
        yield f"{w.name} is not at the end", thinking(s, w, idle), w.owner
    else:
        moment = mind.hand if first else now
        yield _noted(s, w, mind._replace(stage="idle", hand=None), moment)


def _noted(s: State, w: Worker, mind: Stitcher, moment: int) -> tuple[str, State, bool]:
    progress = at(s.progress, w.part, moment)
    return f"{w.name} notes progress {moment}", thinking(s, w, mind, progress=progress), w.owner


def _faults(model: Model, s: State, w: Worker) -> Steps:
    stage = w.mind.stage
    if stage in ("resolved", "produced", "sent") and left(s, "stcrash"):
        yield f"{w.name} CRASHES", spend(thinking(s, w, None), "stcrash"), False
    busy = stage not in ("starts", "idle") or model.world.split
    if w.slot == 0 and busy and left(s, "strebal"):
        lost = spend(as_zombie(s, w), "strebal")
        yield f"{w.name} LOSES ITS SOURCE, a zombie now", lost, False
