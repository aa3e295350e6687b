"""A small workspace in texts, and its tests run: what the tests of the runner are told with."""

from textwrap import dedent, indent

from journeys.language.map_tests import read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import Verdict, run_test

SETTINGS = """
workspace: shop
timezone: Asia/Shanghai
grace: 5s
channels:
  app: {identifier: "openid.*", consent: app}
  sms: {identifier: phone, consent: sms}
purposes: {notify: [app, sms]}
"""
CATALOGUE = """
events:
  cart.filled: {properties: {cart: text, amount: number}}
  order.paid: {properties: {cart: text, amount: number}}
  consent.withdrawn: {}
traits: {first_name: text, timezone: text, store: text}
"""
TEMPLATES = """
templates:
  remind:
    params: {name: {type: text, default: friend}}
    app: {text: "{{ name }}, your cart waits"}
    sms: {text: "{{ name }}, your cart waits"}
"""
CART = """
map: cart
version: 1
enter: {event: cart.filled, key: event.cart}
reentry: {mode: after_exit, cooldown: 3d}
goals:
  - {goal: ordered, event: order.paid, value: event.amount, then: exit}
exits:
  - {event: consent.withdrawn, outcome: unsubscribed}
stages:
  waiting:
    on: [{event: cart.filled, restart_timer: true}]
    after: {wait: 2d, at: "10:30", max: 9d, to: remind}
  remind:
    do:
      - {send: remind, purpose: notify, with: {name: "{{ profile.traits.first_name }}"}}
    after: {wait: 3d, end: silent}
"""


def documents(test: str, map_: str = CART) -> dict[str, str]:
    """The workspace, whose map has this one test (without its dash)."""
    item = indent(dedent(test).strip(), "    ").replace("    ", "  - ", 1)
    return {
        "wayline.yaml": SETTINGS,
        "catalogue/events.yaml": CATALOGUE,
        "templates/texts.yaml": TEMPLATES,
        "maps/cart.yaml": f"{map_.strip()}\ntests:\n{item}\n",
    }


def verdict(test: str, map_: str = CART) -> Verdict:
    """The one test of the map, run."""
    texts = documents(test, map_)
    compiled = compile_workspace(texts)
    (only,) = read_tests(compiled)
    return run_test(texts, compiled, only)


def complaints(test: str, map_: str = CART) -> list[str]:
    """What was not met, as `expected / got`; empty where the test passes."""
    found = verdict(test, map_)
    assert found.error is None, found.error
    return [f"{f.what}: {'; '.join(f.expected)} / {'; '.join(f.got)}" for f in found.failures]
