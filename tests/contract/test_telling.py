"""What becomes of identity's outbox: records of the inbox, and rows for whoever reads of merges."""

import orjson

from journeys.identity.claims import Claims
from journeys.identity.config import identity_config
from journeys.identity.operations import operation
from schemas import inbox
from schemas.inbox import Merged, Operated
from schemas.topics import Topics, shard_of
from schemas.touchpoint import Millis
from streams.identities import resolve
from streams.identities_memory import MemoryIdentities
from streams.telling import told
from tests.contract.stores import opened

CONFIG = identity_config({"tenant": "acme", "alias_ttl": "400d", "tombstone_ttl": "90d"})
CLAIMS = Claims(CONFIG)
TOPICS = Topics()
DAY = 86_400_000
MAIL = "email:a@x.io"


async def test_each_note_is_a_record_of_the_right_shard_and_a_row_but_for_erasures():
    tablet, ann = {"device_id": ("tablet",)}, {"customer_id": ("1",)}
    story = [
        CLAIMS.read({**ann, "email": ("a@x.io",), **tablet}, Millis(1), "app/1"),
        CLAIMS.read({"customer_id": ("2",), **tablet}, Millis(2), "app/2"),
        operation("split", [MAIL], CLAIMS, Millis(3), "crm/3"),
        operation("unbind", [MAIL], CLAIMS, Millis(3), "crm/4"),
        operation("merge", ["customer_id:1", "customer_id:2"], CLAIMS, Millis(5), "crm/5"),
        operation("erase", ["customer_id:1"], CLAIMS, Millis(6), "crm/6"),
    ]
    identities = await opened(MemoryIdentities())
    outbox = (await resolve(identities, story, CONFIG)).outbox

    merges, others = told(outbox, TOPICS, 12, CONFIG)

    rows = [orjson.loads(one.value or b"") for one in others if one.topic == TOPICS.merges]
    records = [inbox.decode(one.value or b"") for one in others if one.topic == TOPICS.inbox]
    assert [(row["type"], row["cause"]["event_id"]) for row in rows] == [
        ("identifier.moved", "app/2"),
        ("profile.split", "crm/3"),
        ("identifier.unbound", "crm/4"),
    ]
    assert rows[2]["from"] == rows[1]["into"]
    assert {row["tenant"] for row in rows} == {"acme"}
    assert len({row["id"] for row in rows}) == 3
    kinds = [(one.kind, one.kept) for one in records if isinstance(one, Operated)]
    assert kinds == [("moved", 0), ("split", 0), ("unbind", 0), ("erase", 90 * DAY)]
    merged = inbox.decode(merges[0].value or b"")
    assert isinstance(merged, Merged)
    assert (merged.kept, merges[0].partition) == (400 * DAY, shard_of(merged.loser, 12))
    assert orjson.loads(merges[1].value or b"")["type"] == "profile.merged"
