"""Putting right what halted: a lost cursor, a person who is stuck."""

from console.connections import require_topics, shards_of
from console.people import show
from console.refusals import Refused
from schemas.touchpoint import ProfileId
from streams import publisher, publishing
from streams.settings import Settings


async def set_cursor(settings: Settings, name: str, position: int) -> None:
    """Writes the cursor of a transactional id; raises Refused for a name that is none."""
    bare = name.removeprefix(f"{settings.prefix}.") if settings.prefix else name
    if not bare.startswith(("fold-", "stitch-")):
        raise Refused(f"{name} is no cursor. Take the name from the message of the worker: fold-3.")
    topics = settings.topics
    await require_topics(settings, [topics.cursors])
    await publisher.set_cursor(settings.connection, topics, topics.named(bare), position)


async def retry(settings: Settings, whom: str) -> ProfileId:
    """Appends the retry of a person's stuck instances; raises Refused for somebody not stuck."""
    person = await show(settings, whom)
    if not any(instance.stuck for instance in person.profile.instances):
        raise Refused(f"Nothing of {person.id} is stuck.")
    shards = await shards_of(settings)
    await publishing.retry(settings.connection, settings.topics, shards, person.id)
    return person.id
