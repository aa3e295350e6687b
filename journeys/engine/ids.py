"""Ids that are hashes of their causes, so that work done again makes the same ones.

Never of a profile id (a merge changes it), an offset (folding again keeps it, a merge does not)
or a worker.
"""

from hashlib import blake2b

import msgspec

_packed = msgspec.msgpack.Encoder().encode


def cause_id(*causes: str) -> str:
    """24 hex digits that name what these causes brought about, in this order.

    96 bits: a million million ids meet with a chance of one in a hundred thousand. Packed with
    their lengths, so that `ab, c` is not `a, bc`.
    """
    return blake2b(_packed(causes), digest_size=12).hexdigest()


def bucket_of(*causes: str) -> int:
    """0 to 9,999, evenly: the bucket of rules 14 and 15, which no release may ever change."""
    return int.from_bytes(blake2b(_packed(causes), digest_size=8).digest(), "big") % 10_000


def share_of(length: int, *causes: str) -> int:
    """Evenly something from 0 up to, not including, `length`; the same for the same causes."""
    return length * int.from_bytes(blake2b(_packed(causes), digest_size=8).digest(), "big") >> 64


def touchpoint_key(source: str, touchpoint: str) -> int:
    """64 bits by which a profile remembers that it has taken this touchpoint."""
    return int.from_bytes(blake2b(_packed((source, touchpoint)), digest_size=8).digest(), "big")
