"""What the language costs: evaluating a condition, rendering a text, checking a thousand maps.

Processor time, so that other work on the machine matters little; each figure is the least of its
rounds. `python -m benchmarks.language` prints them as Markdown, `--write FILE` writes them there.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from journeys.engine.profile import Profile, Remembered
from journeys.language.conditions import compile_condition, compile_expression
from journeys.language.map_tests import read_tests
from journeys.language.names import Names, Reads
from journeys.language.problems import Place, Problems
from journeys.language.scope import Scope
from journeys.language.templates import compile_text
from journeys.language.tree import Scalar
from journeys.language.workspace import compile_workspace

ROUNDS = 5
EVALUATIONS = 20_000
MAPS = 1_000

CONDITIONS = (
    "event.amount > 100",
    "profile.traits.tier == 'gold'",
    "event.amount > 100 and profile.traits.tier in ['gold', 'silver']",
    "not (profile.tags contains 'staff') and exists(profile.traits.tier)",
    "days_since(profile.traits.joined) >= 60",
    "event.category matches '^(milk|care)-[0-9]+$'",
    "event.amount * 0.2 + profile.traits.points >= 500 ? event.items > 3 : hour(now) < 12",
)
TEXTS = (
    "Hello {{ profile.traits.tier }}",
    "{% if event.amount > 50 %}{{ event.items }}{% endif %}",
)
NAMES = Names(
    roots=frozenset({"event", "profile", "now"}),
    event=frozenset({"order.paid"}),
    catalogue={
        "order.paid": {"amount": "number", "items": "integer", "category": "text"},
    },
    traits={"tier": "text", "joined": "date", "points": "number"},
)
SETTINGS = """workspace: shop
timezone: Asia/Shanghai
channels: {sms: {identifier: phone, consent: sms}, app: {identifier: device}}
purposes: {notify: [app, sms]}
"""
CATALOGUE = """events:
  cart.left: {properties: {cart: text, amount: number}}
  order.paid: {properties: {cart: text, amount: number}}
  consent.withdrawn: {}
traits: {first_name: text, tier: text}
"""
TEMPLATES = """templates:
  remind:
    params: {name: {type: text, default: friend}}
    sms: {text: "{{ name }}, your cart waits"}
    app: {text: "{{ name }}, your cart waits"}
"""
MAP = """map: cart-%d
version: 1
enter: {event: cart.left, key: event.cart, when: event.amount > 20}
reentry: {mode: after_exit, cooldown: 3d}
goals: [{goal: ordered, event: order.paid, value: event.amount, then: exit}]
exits: [{event: consent.withdrawn, outcome: unsubscribed}]
stages:
  waiting:
    on: [{event: cart.left, restart_timer: true}]
    after: {wait: 2h, max: 9d, to: which}
  which:
    choose:
      - {when: "profile.traits.tier == 'gold' and entry.amount > 100", to: call}
      - {else: remind}
  call:
    do: {task: call, role: store, sla: 4h}
    await: {done: sla, end: called, else: remind}
  remind:
    do: {send: remind, purpose: notify, with: {name: "{{ profile.traits.first_name }}"}}
    after: {wait: 3d, end: silent}
tests:
  - name: reminded
    date: "2026-05-04"
    given: [{at: "10:00", cart.left: {cart: c1, amount: 30}}]
    expect: {outcome: silent}
"""


def main() -> None:
    """Measures, and writes or prints the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="also write the page there")
    parser.add_argument("--maps", type=int, default=MAPS)
    asked = parser.parse_args()
    page = "\n".join(_page(asked.maps)) + "\n"
    print(page, end="")
    if asked.write is not None:
        asked.write.write_text(page)


def _page(maps: int) -> Iterator[str]:
    yield "# What the language costs"
    yield ""
    yield (
        f"Processor time, the least of {ROUNDS} rounds of {EVALUATIONS:,} (`python -m "
        f"benchmarks.language`). {platform.machine()}, Python {platform.python_version()}."
    )
    yield ""
    yield "| A condition, evaluated | µs |"
    yield "|---|---|"
    for source in CONDITIONS:
        yield f"| `{source.replace('|', chr(92) + '|')}` | {_condition(source):.2f} |"
    yield f"| compiling the last of these | {_compiling(CONDITIONS[-1]):.0f} |"
    yield ""
    yield "| A text, rendered | µs |"
    yield "|---|---|"
    for source in TEXTS:
        yield f"| `{source}` | {_text(source):.2f} |"
    yield ""
    yield f"{maps:,} maps of 25 lines with a test each, checked: {_checking(maps):.1f} s."


def _condition(source: str) -> float:
    run, scope = compile_condition(_scalar(source), NAMES, Reads(), _none()).run, _scope()
    assert run(scope) is not None
    return _least(lambda: run(scope), EVALUATIONS)


def _compiling(source: str) -> float:
    return _least(lambda: compile_expression(_scalar(source), NAMES, Reads(), _none()), 500)


def _text(source: str) -> float:
    run, scope = compile_text(_scalar(source), NAMES, Reads(), _none()).run, _scope()
    assert run(scope)
    return _least(lambda: run(scope), EVALUATIONS // 10)


def _checking(maps: int) -> float:
    documents = {
        "wayline.yaml": SETTINGS,
        "catalogue/events.yaml": CATALOGUE,
        "templates/texts.yaml": TEMPLATES,
        **{f"maps/{n}.yaml": MAP % n for n in range(maps)},
    }
    before = time.process_time()
    compiled = compile_workspace(documents)
    read_tests(compiled)
    return time.process_time() - before


def _least(run: Callable[[], object], times: int) -> float:
    """Microseconds of one call."""
    found = []
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(times):
            run()
        found.append((time.process_time() - before) / times * 1e6)
    return min(found)


def _scalar(source: str) -> Scalar:
    return Scalar(source, source, Place("", 1, 1, 1, source))


def _none() -> Problems:
    return Problems()


def _scope() -> Scope:
    profile = Profile(known=True)
    profile.traits = {"tier": ("gold", 0), "joined": ("2026-01-01", 0), "points": (420, 0)}
    properties = {"amount": 129.5, "items": 4, "category": "milk-12"}
    event = Remembered("1", "order.paid", 0, 0, "till", "pos", properties)
    return Scope(event, event, profile, None, 1_790_000_000_000, ZoneInfo("Asia/Shanghai"))


if __name__ == "__main__":
    main()
