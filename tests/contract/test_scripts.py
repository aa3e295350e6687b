"""Lua files called by name."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from streams.ports import Stale
from streams.scripts import Script

ECHO = """
local first, second = unpack(KEYS, 1, 2)
local word, numbers = unpack(ARGV)
numbers = cmsgpack.unpack(numbers)
if word == 'STALE' then
  return redis.error_reply('STALE expected offset 3, found 4')
end
return {first, second, KEYS[#KEYS - #numbers + 1], word, numbers[2], numbers[3]}
"""


@pytest.fixture
def echo(redis: Redis, tmp_path: Path) -> Script:
    (tmp_path / "echo.lua").write_text(ECHO)
    return Script(redis, "echo", tmp_path)


async def test_keys_and_arguments_arrive_under_their_names(echo: Script, redis: Redis):
    await redis.script_flush()

    for _ in range(2):
        reply = await echo(
            {"second": "b", "first": "a"},
            {"numbers": [7, 8, b"\x00\xff"], "word": b"w"},
            ["k1", "k2", "k3"],
        )

        assert reply == [b"a", b"b", b"k1", b"w", 8, b"\x00\xff"]


async def test_the_first_word_of_a_refusal_chooses_the_exception(echo: Script):
    with pytest.raises(Stale, match="expected offset 3, found 4"):
        await echo({"first": "a", "second": "b"}, {"word": "STALE", "numbers": [1]})


async def test_a_name_too_few_or_too_many_is_refused(echo: Script):
    with pytest.raises(KeyError, match="second"):
        await echo({"first": "a"}, {"word": "x", "numbers": [1]})
    with pytest.raises(KeyError, match="third"):
        await echo({"first": "a", "second": "b"}, {"word": "x", "numbers": [1], "third": 1})


def test_bounds_that_disagree_with_the_names_are_refused(redis: Redis, tmp_path: Path):
    (tmp_path / "wrong.lua").write_text("local a, b = unpack(KEYS, 1, 3)")

    with pytest.raises(ValueError, match="bounded by 3"):
        Script(redis, "wrong", tmp_path)
