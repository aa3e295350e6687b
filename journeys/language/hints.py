"""Warnings: what is right as far as the language goes, and mostly not what was meant."""

import re
from collections.abc import Iterator

from .model import Do, Go, Map, Send, Stage, Timer, To, Workspace
from .problems import Problems, listed
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping

_DAY_MS = 86_400_000

_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\b[sr]k_live_[A-Za-z0-9]{16,}|\bAIza[A-Za-z0-9_-]{35}\b"
    r"|\bLTAI[A-Za-z0-9]{12,}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
    r"|\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/:@]{3,}@"
)
"""Keys of known makes, and passwords in addresses."""
_WORDS = re.compile(
    r"(?:.*[_-])?(?:password|passwd|secret|api_?key|access_?key|private_?key)", re.IGNORECASE
)


def check_secrets(tree: Node, problems: Problems) -> None:
    """Warns of every text that looks like a password or key: what is published is in the log."""
    for name, written in _named_texts(tree, ""):
        is_word = _WORDS.fullmatch(name) and len(written.text) >= 8 and "{{" not in written.text
        if _KEYS.search(written.text) or is_word:
            what = "This looks like a secret, and all that is published is in the log for ever."
            mend = "Keep it where the senders of your channels run, and take it away here."
            problems.warn("looks-like-a-secret", written.place, what, mend)


def check_hints(map_: Map, root: Tree, workspace: Workspace, problems: Problems) -> None:
    """Warns of timers that count hours where days are meant, and of messages after a wait to who
    may have reached the goal meanwhile."""
    stages = mapping(root["stages"])
    late = {type_: source for source in workspace.late.values() for type_ in source.brings}
    goals = {
        type_: goal.name
        for goal in map_.goals
        if goal.then is not None
        for type_ in goal.trigger.events
        if type_ in late
    }
    for stage in map_.stages.values():
        nodes = items(mapping(stages[stage.name]).get("after"))
        for timer, node in zip(stage.after, nodes, strict=False):
            _check_elapsed(timer, mapping(node), problems)
            missing = [each for each in goals if each not in timer.without]
            if missing and _sends(timer.do, timer.go, map_):
                _warn_of_late(missing, goals, late[missing[0]].name, mapping(node), problems)


def _warn_of_late(
    missing: list[str], goals: dict[str, str], source: str, node: Tree, problems: Problems
) -> None:
    what = (
        f"{source} may tell of {listed(missing)} late, so this message may go to somebody who has "
        f'reached the goal "{goals[missing[0]]}".'
    )
    types = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
    mend = f"Add `without: {types}`: then the timer waits for the source."
    problems.warn("goal-may-be-late", node.entries[0][0].place, what, mend)


def _check_elapsed(timer: Timer, node: Tree, problems: Problems) -> None:
    wait = timer.wait
    if wait is None or timer.at is None or not wait.millis or wait.millis % _DAY_MS:
        return
    days = wait.millis // _DAY_MS
    what = (
        f"`{wait.text}` is elapsed time, so this fires at the first {timer.at:%H:%M} after it: "
        "mostly a day later than meant."
    )
    mend = f"Write `{days}d` for that time on the day reached."
    problems.warn("elapsed-with-at", node["wait"].place, what, mend)


def _sends(do: tuple[Do, ...], go: Go | None, map_: Map) -> bool:
    """Whether a message goes out, there or on the way to where she rests next."""
    if any(isinstance(item, Send) for item in do):
        return True
    waiting = [go.stage] if isinstance(go, To) else []
    seen: set[str] = set()
    while waiting:
        stage = map_.stages[waiting.pop()]
        if any(isinstance(item, Send) for item in stage.do):
            return True
        seen.add(stage.name)
        if not (stage.on or stage.after):
            waiting += [name for name in _targets(stage) if name not in seen]
    return False


def _targets(stage: Stage) -> Iterator[str]:
    ways = [choice.go for choice in stage.choose]
    ways += [arm.go for arm in (stage.split.arms if stage.split else ())]
    ways += [stage.go] if stage.go else []
    return (go.stage for go in ways if isinstance(go, To))


def _named_texts(node: Node, name: str) -> Iterator[tuple[str, Scalar]]:
    match node:
        case Scalar():
            if isinstance(node.value, str):
                yield name, node
        case Tree():
            for key, each in node.entries:
                yield from _named_texts(each, key.text)
        case _:
            for each in node.items:
                yield from _named_texts(each, name)
