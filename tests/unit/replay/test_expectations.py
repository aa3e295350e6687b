from textwrap import indent

from journeys.language.map_tests import read_tests
from journeys.language.workspace import compile_workspace
from journeys.replay.trial import Verdict, run_test

SETTINGS = """
workspace: shop
timezone: UTC
grace: 0s
channels:
  sms: {identifier: phone}
  wecom: {identifier: wecom, human: true, role: adviser, sla: 4h}
"""
CATALOGUE = """
events:
  came: {properties: {id: text, size: {type: text, one_of: [small, large]}}, required: [id]}
  paid: {}
"""
TEMPLATES = "templates:\n  hello: {sms: {text: Hi}, wecom: {text: Hi}}\n"
MAP = """
map: m
version: 1
enter: {event: came}
reentry: {mode: after_exit, cooldown: 3d}
goals: [{goal: bought, event: paid, then: exit}]
stages:
  which:
    split: {name: offer, arms: {a: {weight: 30, to: first}, b: {weight: 70, to: second}}}
  first:
    do: {send: hello, channels: sms}
    await: {replied: 2d, to: second, else: second}
  second:
    do: [{send: hello, channels: wecom}, {task: call, sla: 1d}]
    await: {done: sla, end: called, else: {end: silent}}
"""


def verdict(test: str) -> Verdict:
    texts = {
        "wayline.yaml": SETTINGS,
        "catalogue/events.yaml": CATALOGUE,
        "templates/texts.yaml": TEMPLATES,
        "maps/m.yaml": f"{MAP}tests:\n  - name: it\n    date: '2026-05-04'\n{indent(test, '    ')}",
    }
    compiled = compile_workspace(texts)
    (only,) = read_tests(compiled)
    return run_test(texts, compiled, only)


def failures(test: str) -> list[str]:
    found = verdict(test)
    assert found.error is None
    return [f"{f.what}: {'; '.join(f.expected)} / {'; '.join(f.got)}" for f in found.failures]


def test_a_bucket_is_the_arm_that_the_hash_would_have_given() -> None:
    told = failures("""people: {ann: {buckets: {offer: 2999}}, bea: {buckets: {offer: 3000}}}
given:
  - {at: "10:00", person: ann, came: {id: x}}
  - {at: "11:00", person: bea, came: {id: x}}
expect: {instances: [{person: ann, arms: {offer: a}}, {person: bea, arms: {offer: b}}]}
""")

    assert told == []


def test_what_is_pending_says_how_far_it_is() -> None:
    told = failures("""people: {ann: {arms: {offer: a}}, bea: {arms: {offer: b}}}
given:
  - {at: "10:00", person: ann, came: {id: x}}
  - {at: "11:00", person: bea, came: {id: x}}
  - at: "12:00"
    expect:
      pending:
        - {person: ann, send: hello, state: requested, channel: sms, at: "10:00", until: null}
        - {person: bea, send: hello, state: human_pending, until: "15:00", stage: second}
        - {person: bea, task: call, state: requested, until: "+1d 11:00"}
  - {at: "13:00", person: bea, action.accepted: {of: hello}}
  - {at: "14:00", person: bea, action.done: {of: call}}
  - {at: "14:30", expect: {pending: [{person: ann}]}}
expect: {pending: []}
""")

    assert told == []


def test_how_long_an_entry_is_still_refused_is_compared_as_a_length_of_time() -> None:
    told = failures("""given:
  - {at: "10:00", came: {id: x}}
  - {at: "11:00", paid: {}}
  - {at: "+1d 11:00", came: {id: x}}
  - {at: "+1d 12:00", came: {id: x}}
expect: {refused: [{remaining: 48h}, {remaining: 2d}]}
""")

    assert told == ["refused: remaining: 2d; remaining: 2d / remaining: 2d; remaining: 47h"]


def test_a_touchpoint_that_breaks_its_contract_is_a_dead_letter_and_moves_nobody() -> None:
    found = verdict("""given:
  - {at: "10:00", id: one, came: {}}
  - {at: "10:01", id: two, came: {id: x, size: medium}}
expect:
  instances: []
  dead_letters:
    - {at: "10:00", event: one, reason: missing-property}
    - {event: two, reason: unknown-value}
""")

    assert found.passed
    assert "it becomes a dead letter: missing-property" in [beat.text for beat in found.story]


def test_who_turns_out_to_be_two_gives_the_other_what_began_with_hers() -> None:
    told = failures("""people: {ann: {}, bea: {}}
change: {reentry: parallel}
given:
  - {at: "10:00", person: ann, id: hers, came: {id: x}}
  - {at: "11:00", person: ann, id: the-other-s, came: {id: y}}
  - {at: "12:00", unmerge: {from: ann, to: bea, entries: [the-other-s]}}
  - at: "13:00"
    expect: {instances: [{person: ann, entered: "10:00"}, {person: bea, entered: "11:00"}]}
expect: {}
""")

    assert told == []


def test_the_story_says_what_became_of_an_action() -> None:
    found = verdict("""people: {ann: {arms: {offer: b}}}
given:
  - {at: "10:00", came: {id: x}}
  - {at: "11:00", action.done: {of: call}}
expect: {outcome: called}
""")

    assert found.passed
    assert "m: call is done" in [beat.text for beat in found.story]
