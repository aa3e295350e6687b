"""Tests of maps, run: each tells a story whose end is known."""

from journeys.language.map_tests import read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import run_test
from tests.unit.replay.benches import CART, complaints, documents, verdict

FORGETS = """
name: she forgets her cart
date: "2026-05-04"
given:
  - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
"""


def test_timers_fire_while_nothing_happens() -> None:
    said = complaints(
        FORGETS
        + """
expect:
  outcome: silent
  ended: "+5d 10:30"
  actions: [{at: "+2d 10:30", leaves: "+2d 10:30:05", send: remind, channel: app, key: c1}]
  timers: 0
"""
    )

    assert said == []


def test_what_is_not_met_is_said_with_both_sides() -> None:
    said = complaints(
        FORGETS
        + """
expect:
  outcome: ordered
  ended: "+5d 10:31"
  actions: [{at: "+2d 10:30", send: remind, channel: sms}]
  goals: [{goal: ordered}]
"""
    )

    assert said == [
        "outcome: ordered / silent",
        "ended: +5d 10:31 / +5d 10:30 (she ended: silent)",
        "actions: at: +2d 10:30, send: remind, channel: sms"
        " / at: +2d 10:30, send: remind, channel: app",
        "goals: goal: ordered / ",
    ]


def test_a_failure_points_at_the_line_that_is_wrong() -> None:
    found = verdict(
        FORGETS + "expect:\n  outcome: silent\n  actions:\n  - {send: remind, at: '10:00'}"
    )

    (failure,) = found.failures
    assert (failure.place.file, failure.place.source.strip()) == (
        "maps/cart.yaml",
        "- {send: remind, at: '10:00'}",
    )


def test_a_touchpoint_at_the_deadline_wins_and_one_after_it_does_not() -> None:
    at_the_deadline = """
    name: pays at the very moment
    date: "2026-05-04"
    given:
      - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
      - {at: "+2d 10:30", order.paid: {cart: c1, amount: 30}}
    expect: {outcome: ordered, actions: [], goals: [{goal: ordered, at: "+2d 10:30", value: 30}]}
    """
    a_minute_later = at_the_deadline.replace('"+2d 10:30", order', '"+2d 10:31", order')

    assert complaints(at_the_deadline) == []
    assert complaints(a_minute_later)[0] == "actions:  / at: +2d 10:30, send: remind, channel: app"


def test_a_look_in_the_middle_changes_nothing() -> None:
    said = complaints(
        """
        name: looked at just when the timer is due, then she pays
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "+1d 09:00", expect: {stage: waiting, due: "+2d 10:30", outcome: null}}
          - {at: "+2d 10:30", expect: {stage: remind, actions: [{send: remind}]}}
          - {at: "+2d 10:30", order.paid: {cart: c1, amount: 30}}
        expect: {outcome: ordered, actions: []}
        """
    )

    assert said == []


def test_people_are_as_the_test_says() -> None:
    said = complaints(
        """
        name: one by sms with her name, one not at all
        date: "2026-05-04"
        people:
          ann: {traits: {first_name: Ann}, identifiers: {phone: "+86138"}, consents: {sms: true}}
          bea: {identifiers: {phone: "+86139"}, consents: {sms: false}}
          eva: {reachable: [sms], timezone: Europe/Berlin, tags: [vip]}
        given:
          - {at: "09:00", person: ann, cart.filled: {cart: c1, amount: 30}}
          - {at: "09:00", person: bea, cart.filled: {cart: c2, amount: 30}}
          - {at: "09:00", person: eva, cart.filled: {cart: c3, amount: 30}}
        until: "+3d 00:00"
        expect:
          actions:
            - {person: ann, channel: sms, content: {text: "Ann, your cart waits"}}
            - {person: eva, channel: sms, at: "+2d 16:30"}
          withheld: [{person: bea, send: remind, reason: unreachable}]
          instances:
            - {person: ann, stage: remind}
            - {person: bea}
            - {person: eva, ended: null}
          profile: {person: eva, tags: [vip], traits: {timezone: Europe/Berlin}}
        """
    )

    assert sorted(said) == []


def test_refusals_and_history_are_seen() -> None:
    said = complaints(
        """
        name: back too soon
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "09:30", consent.withdrawn: {}}
          - {at: "+1d 09:00", cart.filled: {cart: c1, amount: 30}}
        expect:
          refused: [{at: "+1d 09:00", map: cart, key: c1, reason: cooldown, until: "+3d 09:30"}]
          history: [{enter: waiting}, {end: unsubscribed, at: "09:30", cause: touchpoint}]
        """
    )

    assert said == []


def test_history_is_a_subsequence_in_order() -> None:
    said = complaints(FORGETS + "expect: {history: [{end: silent}, {enter: waiting}]}")

    assert len(said) == 1


def test_two_people_turn_out_to_be_one() -> None:
    said = complaints(
        """
        name: the cart of a browser becomes hers
        date: "2026-05-04"
        people: {cookie: {reachable: []}, ann: {traits: {first_name: Ann}, reachable: [app]}}
        given:
          - {at: "09:00", person: cookie, cart.filled: {cart: c1, amount: 30}}
          - {at: "+1d 09:00", merge: {from: cookie, into: ann}}
        until: "+2d 11:00"
        expect:
          instances: [{person: ann, key: c1, entered: "09:00", stage: remind}]
          actions: [{person: ann, send: remind, with: {name: Ann}}]
        """
    )

    assert said == []


def test_a_shut_gate_holds_and_lets_go() -> None:
    said = complaints(
        """
        name: paused over the reminder
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "+2d 10:00", pause: true}
          - {at: "+2d 12:00", expect: {actions: [], held: [{send: remind, reason: paused}]}}
          - {at: "+2d 13:00", resume: true}
        until: "+2d 14:00"
        expect:
          held: []
          actions: [{due: "+2d 10:30", at: "+2d 13:00", send: remind}]
        """
    )

    assert said == []


def test_a_map_may_be_drained_and_stopped() -> None:
    said = complaints(
        """
        name: nobody enters a map that drains, and all leave one that stops
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "10:00", drain: true}
          - {at: "11:00", cart.filled: {cart: c2, amount: 30}}
          - {at: "12:00", stop: true}
        expect:
          instances: [{key: c1, outcome: stopped}]
          refused: [{key: c2, reason: draining}]
        """
    )

    assert said == []


def test_who_is_in_a_version_stays_in_it() -> None:
    said = complaints(
        """
        name: a shorter wait is published meanwhile
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - at: "10:00"
            publish: {version: 2, change: {stages: {waiting: {after: {wait: 1h, at: null}}}}}
          - {at: "11:00", cart.filled: {cart: c2, amount: 30}}
        until: "+2d 11:00"
        expect:
          actions: [{key: c2, at: "12:00"}, {key: c1, at: "+2d 10:30"}]
          instances: [{key: c1, version: 1}, {key: c2, version: 2}]
        """
    )

    assert said == []


def test_templates_settings_and_the_map_may_be_changed_for_a_test() -> None:
    said = complaints(
        """
        name: another text, another ranking, another wait
        date: "2026-05-04"
        settings: {purposes: {notify: [sms]}, grace: 1s}
        change: {stages: {waiting: {after: {wait: 1d}}}}
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "10:00", template: {remind: {sms: {text: "Hurry"}}}}
        until: "+2d 00:00"
        expect:
          actions: [{at: "+1d 10:30", leaves: "+1d 10:30:01", channel: sms, content: {text: Hurry}}]
        """
    )

    assert said == []


def test_a_change_that_makes_no_good_map_is_an_error_in_check_s_words() -> None:
    found = verdict(FORGETS + "change: {stages: {waiting: {after: {to: nowhere}}}}\nexpect: {}")

    assert not found.passed
    assert found.error is not None
    assert found.error.problems[0].code == "no-such-stage"


def test_a_line_repeated_is_many_people() -> None:
    said = complaints(
        """
        name: fifty carts of fifty people
        date: "2026-05-04"
        given:
          - at: "09:00"
            person: "p{{ n }}"
            repeat: 50
            cart.filled: {cart: "c{{ n }}", amount: "{{ n }}"}
          - {at: "10:00", person: p7, order.paid: {cart: c7, amount: 7}}
        until: "11:00"
        expect: {goals: [{person: p7, key: c7, value: 7}], timers: 49}
        """
    )

    assert said == []


def test_short_words_need_one_instance() -> None:
    said = complaints(
        """
        name: two carts
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "09:01", cart.filled: {cart: c2, amount: 30}}
        expect: {outcome: silent}
        """
    )

    assert said == [
        "outcome: silent / map: cart, key: c1, stage: null, outcome: silent; "
        "map: cart, key: c2, stage: null, outcome: silent"
    ]


def test_what_is_heard_later_counts_when_it_happened() -> None:
    said = complaints(
        """
        name: the order is heard of an hour after the reminder's hour
        date: "2026-05-04"
        given:
          - {at: "09:00", cart.filled: {cart: c1, amount: 30}}
          - {at: "+2d 10:00", arrives: "+2d 11:30", order.paid: {cart: c1, amount: 30}}
        expect:
          outcome: ordered
          ended: "+2d 10:00"
          actions: [{at: "+2d 10:30"}]
        """
    )

    assert said == []


def test_the_story_is_told_in_the_order_in_which_it_was_heard() -> None:
    found = verdict(FORGETS + "expect: {outcome: silent}")

    assert [(found.moments.show(beat.at), beat.text) for beat in found.story] == [
        ("09:00", "cart.filled {cart: c1, amount: 30}"),
        ("09:00", "enters cart[c1]: waiting"),
        ("+2d 10:30", "cart[c1]: waiting → remind"),
        ("+2d 10:30", "cart[c1]: remind leaves by app"),
        ("+5d 10:30", "cart[c1] ends: silent"),
    ]


def test_a_replay_s_clock_is_the_events() -> None:
    said = complaints(
        FORGETS + 'settings: {clock: event}\nexpect: {outcome: silent, ended: "+5d 10:30"}', CART
    )

    assert said == []


def test_nobody_is_held_out_who_does_not_say_so() -> None:
    map_ = CART.replace("version: 1\n", "version: 1\nholdout: {percent: 50, salt: s}\n")
    story = """
    name: of three people one is held out
    date: "2026-05-04"
    people: {ann: {}, bea: {holdout: true}, eva: {}}
    given:
      - {at: "09:00", person: ann, cart.filled: {cart: c1, amount: 30}}
      - {at: "09:00", person: bea, cart.filled: {cart: c2, amount: 30}}
      - {at: "09:00", person: eva, cart.filled: {cart: c3, amount: 30}}
    expect:
      actions: [{person: ann}, {person: eva}]
      withheld: [{person: bea, reason: holdout}]
    """

    assert complaints(story, map_) == []


def test_a_computed_trait_that_a_test_gives_stays_as_given() -> None:
    texts = documents(
        """
        name: she has ordered twice, says the test
        date: "2026-05-04"
        people: {ann: {traits: {orders: 2}}}
        given:
          - {at: "09:00", order.paid: {cart: c0, amount: 30}}
        expect: {profile: {traits: {orders: 2}}}
        """
    )
    file = "catalogue/events.yaml"
    texts[file] = texts[file].replace("store: text}", "store: text, orders: {count: order.paid}}")
    given = _only(texts)
    told = "people: {ann: {traits: {orders: 2}}}"
    computed = _only({name: t.replace(told, "people: {ann: {}}") for name, t in texts.items()})

    assert given == []
    assert computed == ["profile: traits: {orders: 2} / traits: {orders: 1}"]


def _only(texts: dict[str, str]) -> list[str]:
    compiled = compile_workspace(texts)
    (test,) = read_tests(compiled)
    failures = run_test(texts, compiled, test).failures
    return [f"{f.what}: {'; '.join(f.expected)} / {'; '.join(f.got)}" for f in failures]
