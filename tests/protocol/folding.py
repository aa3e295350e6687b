"""The fold agent: takes a shard over, folds, publishes, stores; and its Ticks.

Loading and publishing is one step here: the one reads Redis only, the other writes Kafka only.
"""

from .meaning import Whim
from .model import Model, Steps
from .publishing import delivered, published
from .state import (
    Folder,
    Live,
    Picture,
    State,
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

BATCH = 2  # records a store covers, at most


def fold_steps(model: Model, s: State, shard: int) -> Steps:
    """All that the two workers of a shard may do, or suffer, next."""
    for w in workers(s, "folders", shard):
        yield from _next(model, s, w)
        if w.owner and w.mind:
            yield from _faults(s, w)


def tick_steps(model: Model, s: State, shard: int) -> Steps:
    """An owner that has read to the end appends Tick(watermark) when something is due."""
    noted = [mark for mark in s.progress if mark >= 0 or model.rules.absent == "zero"]
    until = min(noted, default=-1) if model.world.watermark else s.now
    tick = ("Tick", until, s.now + (model.rules.stamps == "producer"))
    if _wants_tick(s, shard, tick):
        what = f"Tick({until}) to shard {shard}, stamped {tick[2]}"
        yield what, append(s, shard, tick), True
    if left(s, "ztick"):
        what = f"ZOMBIE TICK({until}) to shard {shard}, stamped {tick[2]}"
        yield what, spend(append(s, shard, tick), "ztick"), False


def _wants_tick(s: State, shard: int, tick: tuple) -> bool:
    owner, slots = s.folders[shard]
    mind, log, picture = slots[owner], s.inbox[shard], s.stored[shard]
    if not (mind and mind.stage == "ready" and mind.offset == picture.offset == len(log)):
        return False
    due = min(
        (t[0] for _, p in picture.profiles if isinstance(p, Live) for t in p.timers), default=99
    )
    return tick[1] >= due and (s.now >= due or tick not in log)


def _next(model: Model, s: State, w: Worker) -> Steps:
    match w.mind.stage if w.mind else "starts":
        case "starts":
            if w.owner or w.mind:
                yield from _take_over(model, s, w)
            elif left(s, "retake") and s.folders[w.part].slots[s.folders[w.part].owner]:
                t = spend(init_transactions(s, w, Folder("starts")), "retake")
                yield f"{w.name} TAKES OVER AGAIN, not knowing", t, False
        case "ready":
            yield from _cycle(model, s, w)
        case "published":
            yield from _store(model, s, w, w.mind)
        case _:
            yield from _publish_late(model, s, w)


def _take_over(model: Model, s: State, w: Worker) -> Steps:
    """Fence, then read the cursor, then meta."""
    first, cursors = model.rules.fence_first, model.fold_cursor(s, w.part)
    if not cursors and w.mind:
        return
    if first and not w.mind:
        yield f"{w.name} fences", init_transactions(s, w, Folder("starts")), True
        return
    if not first and w.mind:
        mind = w.mind._replace(stage="ready", current=True, offset=s.stored[w.part].offset)
        yield f"{w.name} fences", init_transactions(s, w, mind), True
        return
    cursor = cursors[0] if cursors else None
    if cursor is None and _halts(model, s, w.part):
        yield _cursor_set(model, s, w.part)
        return
    current, offset = w.mind.current if w.mind else True, s.stored[w.part].offset
    mind = Folder("ready" if first else "starts", current, offset, cursor or 0)
    what = f"{w.name} reads cursor {mind.cursor // 10} and offset {offset}"
    yield what, thinking(s, w, mind), True


def _halts(model: Model, s: State, shard: int) -> bool:
    """A missing cursor is never 0, except (M33) in a shard in which nothing ever was."""
    used = bool(s.stored[shard].offset or s.inbox[shard])
    return model.rules.lost == "halt" and (model.rules.made or used)


def _cursor_set(model: Model, s: State, shard: int) -> tuple[str, State, bool]:
    """The operator's mending, from the headers of what was published."""
    if not model.rules.made:
        raise Violation(f"I8 shard {shard} halts, though no cursor was lost")
    outputs = model.meaning.whole(s.inbox[shard])[1][: s.published[shard]]
    cursor = outputs[-1][0] // 10 * 10 + 10 if outputs else 0
    return "wayline cursor set", s._replace(fold_cursors=at(s.fold_cursors, shard, cursor)), True


def _cycle(model: Model, s: State, w: Worker) -> Steps:
    """Steps 1 to 4, and 6."""
    rules, mind, picture, log = model.rules, w.mind, s.stored[w.part], s.inbox[w.part]
    compares = rules.load if mind.offset < len(log) else w.owner and rules.notice
    if picture.offset != mind.offset and compares:
        what = f"{w.name} finds offset {picture.offset}, not {mind.offset}"
        yield what, thinking(s, w, mind._replace(offset=picture.offset)), w.owner
        return
    base = picture._replace(offset=mind.offset)  # M29: a picture that is not the one of the offset
    core, outputs, whim = base, (), _whim(model, s, w)
    for _ in range(BATCH):
        if core.offset >= len(log):
            break
        before = model.meaning.position(core)
        core, more = model.meaning.step(core, log[core.offset], whim)
        outputs += tuple((before, output) for output in more)
        counted = picture.commits + 1
        new = core._replace(commits=counted) if rules.check == "commits" else core
        due = tuple(o for n, o in outputs if n >= mind.cursor or not rules.silent)
        yield from _publish(model, s, w, base, new, due)


def _whim(model: Model, s: State, w: Worker) -> Whim:
    rules = model.rules
    outside = None
    if rules.version == "outside" and model.world.publication:
        outside = int(any(s.told))
    return Whim(
        wall=s.now if rules.clock == "worker" else None,
        slot=w.slot if rules.ties == "worker" else 0,
        outside=outside,
    )


def _publish(
    model: Model, s: State, w: Worker, base: Picture, new: Picture, outputs: tuple
) -> Steps:
    """Step 4. Without outputs it is one step with the store: equal offsets, equal pictures (I2)."""
    rules = model.rules
    mind = w.mind._replace(stage="published", base=base, new=new)
    if not outputs:
        yield from _store(model, s, w, mind)
    elif not rules.publish_first:
        late = mind._replace(late=("all", outputs))
        yield f"{w.name} loads {base.offset}..{new.offset}", thinking(s, w, late), w.owner
    elif not mind.current and rules.fence:
        yield f"{w.name} is fenced", thinking(s, w, None), w.owner
    else:
        to = max(model.meaning.position(new), mind.cursor)
        if w.owner and left(s, "abort"):
            yield _aborted(model, s, w, outputs, to)
        yield _transaction(model, s, w, mind, outputs, to)


def _aborted(model: Model, s: State, w: Worker, outputs: tuple, to: int) -> tuple[str, State, bool]:
    t = spend(thinking(s, w, None), "abort")
    if model.rules.read == "uncommitted":
        t = t._replace(fold_cursors=at(t.fold_cursors, w.part, to))
    for output in outputs:
        if output[0] == "Send":
            t = append(t, output[1], ("Aborted", output[2]))
    return f"{w.name} CRASHES inside its transaction", t, False


def _transaction(
    model: Model, s: State, w: Worker, mind: Folder, outputs: tuple, to: int
) -> tuple[str, State, bool]:
    rules = model.rules
    after = ()
    if rules.forward == "after":
        after = tuple(output for output in outputs if output[0] == "Send")
    if rules.cursor != "redis":
        mind = mind._replace(cursor=to)
    mind = mind._replace(late=("sends", after) if after else ())
    t = published(model, thinking(s, w, mind), w.part, outputs, after)
    if rules.cursor == "txn":
        cursor = max(to, t.fold_cursors[w.part] or 0)
        t = t._replace(fold_cursors=at(t.fold_cursors, w.part, cursor))
    names = [o[1] if o[0] == "Action" else o[2][:3] for o in outputs]
    what = f"{w.name} loads {mind.base.offset}..{mind.new.offset}, publishes {names}"
    return what, t, w.owner


def _store(model: Model, s: State, w: Worker, mind: Folder) -> Steps:
    """Step 5, commit.lua: compare, then write what changed."""
    rules, stored, base, new = model.rules, s.stored[w.part], mind.base, mind.new
    cursors = s.fold_cursors
    if rules.cursor != "txn" and rules.publish_first:
        cursor = max(model.meaning.position(new), cursors[w.part] or 0)
        cursors = at(cursors, w.part, cursor)
    what = f"{w.name} stores {base.offset}..{new.offset}"
    if rules.check != "none" and (stored.offset, stored.commits) != (base.offset, base.commits):
        again = mind._replace(stage="ready", offset=stored.offset, base=None, new=None, late=())
        kept = cursors if rules.cursor == "after" else s.fold_cursors
        yield f"{what}: STALE", thinking(s, w, again, fold_cursors=kept), w.owner
        return
    got = _overlaid(stored, base, new)
    _check_picture(model, s, w.part, got)
    after = mind._replace(offset=got.offset, base=None)
    after = after._replace(stage="late") if mind.late else after._replace(stage="ready", new=None)
    pictures = at(s.stored, w.part, got)
    yield what, thinking(s, w, after, stored=pictures, fold_cursors=cursors), w.owner


def _overlaid(stored: Picture, base: Picture, new: Picture) -> Picture:
    """What Redis holds when the profiles that changed are written over what is there."""
    old = dict(base.profiles)
    changed = {name: profile for name, profile in new.profiles if old.get(name) != profile}
    profiles = {**dict(stored.profiles), **changed}
    return new._replace(profiles=tuple(sorted(profiles.items())))


def _check_picture(model: Model, s: State, shard: int, got: Picture) -> None:
    """I2. Inside a record (M2, M3) there is nothing to compare with."""
    if got.fired:
        return
    if got._replace(commits=0) != model.meaning.whole(s.inbox[shard][: got.offset])[0]:
        raise Violation(f"I2 the picture at offset {got.offset} is not the fold of the inbox")


def _publish_late(model: Model, s: State, w: Worker) -> Steps:
    """What M8 and M15 send after the store."""
    what, outputs = w.mind.late
    if what == "all" and not w.mind.current:
        yield f"{w.name} is fenced", thinking(s, w, None), w.owner
        return
    t = thinking(s, w, w.mind._replace(stage="ready", late=()))
    t = published(model, t, w.part, outputs) if what == "all" else delivered(t, outputs)
    cursor = max(t.fold_cursors[w.part], model.meaning.position(w.mind.new))
    t = t._replace(fold_cursors=at(t.fold_cursors, w.part, cursor))
    yield f"{w.name} publishes late", t, w.owner


def _faults(s: State, w: Worker) -> Steps:
    if w.mind.stage in ("published", "late") and left(s, "focrash"):
        yield f"{w.name} CRASHES", spend(thinking(s, w, None), "focrash"), False
    if w.slot == 0 and w.mind.stage != "starts" and left(s, "forebal"):
        lost = spend(as_zombie(s, w), "forebal")
        yield f"{w.name} LOSES ITS SHARD, a zombie now", lost, False
