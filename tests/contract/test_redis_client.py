"""Our client says to Redis what redis-py's own says."""

from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Connection

from streams.redis_client import packing_in_c, redis_client
from tests.redis_server import RedisServer

_ARGUMENT = st.text() | st.binary() | st.integers() | st.floats(allow_nan=False)


@given(st.sampled_from(["MGET", "CONFIG GET"]), st.lists(_ARGUMENT, max_size=30))
def test_commands_are_packed_as_redis_py_packs_them(name: str, arguments: list[object]) -> None:
    ours, theirs = packing_in_c(Connection)(), Connection()

    assert b"".join(ours.pack_command(name, *arguments)) == b"".join(
        theirs.pack_command(name, *arguments)
    )


async def test_what_is_written_is_read_back(redis_server: RedisServer) -> None:
    async with redis_client(redis_server.url, 5000) as client:
        pipe = client.pipeline(transaction=True)
        pipe.mset({b"k": b"\x00\xff", "ключ": 1})
        pipe.mget(["k", "ключ"])
        written = await pipe.execute()

    assert written == [True, [b"\x00\xff", b"1"]]
