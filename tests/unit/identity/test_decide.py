"""The decision for one claim, and batches of them on an overlay."""

from collections.abc import Sequence

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from journeys.identity.decide import decide
from journeys.identity.known import Decision
from journeys.identity.overlay import Overlay
from journeys.identity.plan import Unread, wanted_nodes
from journeys.identity.records import (
    Holding,
    Link,
    Node,
    decode_node,
    encode,
    encode_holding,
    owner_of,
)
from journeys.identity.tokens import profile_id
from schemas.touchpoint import Millis, ProfileId

CONFIG = identity_config({"namespaces": {"invite": {"cls": "txn", "rank": 5, "link": "resolve"}}})
CLAIMS = Claims(CONFIG)
ONE, OTHER = ProfileId("1" * 22), ProfileId("2" * 22)


def claim(time: int = 100, **identifiers: str) -> Claim:
    return CLAIMS.read({name: (value,) for name, value in identifiers.items()}, Millis(time))


def recorded(owner: ProfileId, time: int = 1) -> bytes:
    return encode_holding(Holding(owner, Millis(time), Millis(time)))


class Known:
    """What is known, written down: whose an identifier is, and since when."""

    def __init__(self, **owners: ProfileId) -> None:
        self.owners = {
            claim(**{name: f"{name}1@x.io"}).tokens[0]: owner for name, owner in owners.items()
        }

    def root(self, token: str) -> ProfileId | None:
        return self.owners.get(token)

    def node(self, profile: ProfileId) -> Node:
        return Node(Millis(int(profile[0])))

    def holding(self, token: str) -> Holding | None:
        owner = self.owners.get(token)
        return Holding(owner, Millis(1), Millis(1)) if owner else None

    def fetch(self, tokens: Sequence[str]) -> None:
        """All is at hand."""

    def living(self, profile: ProfileId) -> ProfileId:
        return profile


def given(*names: str) -> Claim:
    return claim(**{name: f"{name}1@x.io" for name in names})


def overlay(
    claims: list[Claim], stored: dict[ProfileId, Node] | None = None, read: bool = True
) -> Overlay:
    """As read: `stored` nodes, and the records of what they list."""
    stored = stored or {}
    owners = {token: name for name, node in stored.items() for token in node.identifiers}
    tokens = [token for one in claims for token in one.tokens]
    records = {token: recorded(owners[token]) if token in owners else None for token in tokens}
    wanted = wanted_nodes(claims, records, CONFIG) if read else []
    nodes = {name: encode(stored[name]) if name in stored else None for name in wanted}
    return Overlay(records, nodes, CONFIG)


def node(created: int, *claims: Claim, known: bool = False) -> Node:
    links = {token: Link(Millis(created)) for one in claims for token in one.tokens}
    return Node(Millis(created), known=known, identifiers=links)


def test_new_identifiers_alone_begin_a_profile():
    verdict = decide(given("email", "cookie"), Known(), CONFIG)

    assert verdict.roots == ()
    assert [one.namespace for one in verdict.new] == ["email", "cookie"]


def test_a_new_identifier_is_linked_to_whom_the_others_know():
    verdict = decide(given("user_id", "cookie"), Known(cookie=ONE), CONFIG)

    assert verdict.roots == (ONE,)
    assert [one.namespace for one in verdict.new] == ["user_id"]


def test_an_attaching_identifier_finds_a_profile_and_never_joins_two():
    phone = CLAIMS.read({"email": ("email1@x.io",), "landline": ("010-62345678",)}, Millis(1))
    known = Known(email=ONE)
    known.owners[phone.tokens[1]] = OTHER

    alone = decide(CLAIMS.read({"landline": ("010-62345678",)}, Millis(1)), known, CONFIG)
    both = decide(phone, known, CONFIG)

    assert alone.roots == (OTHER,)
    assert both.roots == (ONE,)
    assert both.rejected == (("landline:+861062345678", "attach_only"),)
    assert both.refused == {phone.tokens[1]}


def test_a_resolving_identifier_answers_only_where_nothing_better_does():
    known = Known(invite=OTHER)

    assert decide(given("invite"), known, CONFIG).roots == (OTHER,)
    assert decide(given("invite", "cookie"), known, CONFIG).roots == ()
    assert decide(given("invite", "cookie"), known, CONFIG).rejected == (
        ("invite:invite1@x.io", "resolve_only"),
    )


def test_a_claim_whose_people_are_known_needs_no_node():
    hot = given("cookie", "email")

    decision = overlay([hot], {ONE: node(5, hot)}, read=False).take(hot)

    assert decision == Decision(ONE, hot.tokens)


def test_a_claim_without_usable_identifiers_is_nobodys():
    nothing = claim(phone="12")

    decision = overlay([nothing]).take(nothing)

    assert decision == Decision(None, (), (("phone:12", "invalid"),))


def test_known_survives_before_older_before_least():
    a, b = claim(cookie="a"), claim(cookie="b")
    both = CLAIMS.read({"cookie": ("a", "b")}, Millis(100))

    def survivor(one: Node, other: Node) -> ProfileId | None:
        return overlay([both], {ONE: one, OTHER: other}).take(both).profile

    assert survivor(node(5, a), node(9, b, known=True)) == OTHER
    assert survivor(node(9, a), node(5, b)) == OTHER
    assert survivor(node(5, a), node(5, b)) == ONE


def test_a_batch_reads_its_own_writes():
    batch = [claim(cookie="a"), claim(cookie="a", email="a@x.io"), claim(email="a@x.io")]
    over = overlay(batch)

    decisions = [over.take(one) for one in batch]

    assert len({decision.profile for decision in decisions}) == 1
    plan = over.plan()
    assert len(plan.nodes) == 1
    assert {owner_of(new) for _, new in plan.records.values()} == {decisions[0].profile}


def test_later_claims_of_a_batch_follow_a_merge_before_them():
    a, b = claim(cookie="a"), claim(cookie="b")
    both = CLAIMS.read({"cookie": ("a", "b")}, Millis(100))
    over = overlay([both, a, b], {ONE: node(5, a), OTHER: node(9, b)})

    decisions = [over.take(one) for one in (both, a, b)]

    assert [decision.profile for decision in decisions] == [ONE] * 3
    assert decisions[0].merges == ((OTHER, ONE),)


def test_the_plan_of_a_merge_says_what_it_expects_and_repoints_what_was_not_read():
    a, b, unread = claim(cookie="a"), claim(cookie="b"), claim(email="b@x.io")
    both = CLAIMS.read({"cookie": ("a", "b")}, Millis(100))
    one, other = node(5, a), node(9, b, unread)
    over = overlay([both], {ONE: one, OTHER: other})
    over.take(both)

    plan = over.plan()

    assert plan.nodes[ONE][0] == encode(one)
    assert plan.nodes[OTHER][0] == encode(other)
    survivor, loser = decode_node(plan.nodes[ONE][1]), decode_node(plan.nodes[OTHER][1])
    assert survivor.identifiers.keys() == {*a.tokens, *b.tokens, *unread.tokens}
    assert survivor.identifiers[unread.tokens[0]] == Link(Millis(9), OTHER)
    assert (loser.to, loser.identifiers, survivor.aliases) == (ONE, {}, [OTHER])
    assert plan.repoints == [(unread.tokens[0], OTHER, ONE)]
    assert plan.records == {b.tokens[0]: (recorded(OTHER), recorded(ONE, 100))}
    [merge] = plan.notes
    assert (merge.loser, merge.survivor, merge.time) == (OTHER, ONE, 100)
    assert set(merge.moved) == {*b.tokens, *unread.tokens}


def test_a_batch_of_known_people_has_nothing_to_write():
    hot = given("cookie", "email")
    over = overlay([hot], {ONE: node(5, hot)})
    over.take(hot)

    assert not over.plan()


def test_a_dead_id_is_never_given_out_again():
    fresh = claim(cookie="a")
    first, second = (profile_id(fresh.tokens[0], generation, CONFIG.key) for generation in (0, 1))
    records = dict.fromkeys(fresh.tokens)
    dead = encode(Node(Millis(1), to=ONE))

    try:
        Overlay(records, {first: dead}, CONFIG).take(fresh)
    except Unread as unread:
        [wanted] = unread.profiles
    decision = Overlay(records, {first: dead, second: None}, CONFIG).take(fresh)

    assert wanted == second
    assert decision.profile == second


def test_a_living_id_is_taken_again_by_the_identifier_that_it_lists():
    fresh = claim(cookie="a")
    first = profile_id(fresh.tokens[0], 0, CONFIG.key)

    decision = Overlay(dict.fromkeys(fresh.tokens), {first: encode(node(3, fresh))}, CONFIG).take(
        fresh
    )

    assert decision.profile == first


def test_who_is_known_stays_known_and_the_oldest_time_counts():
    cookie, member = claim(cookie="a", time=50), claim(time=20, cookie="a", customer_id="17")
    over = overlay([cookie, member])
    over.take(cookie)
    decision = over.take(member)

    [(_, raw)] = over.plan().nodes.values()
    assert decision.profile is not None
    assert decode_node(raw).known
    assert decode_node(raw).created == 20
