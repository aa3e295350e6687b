"""Ids that are hashes of their causes, so that work done again makes the same ones.

Never of a profile id (a merge changes it), an offset (folding again keeps it, a merge does not)
or a worker.
"""

from hashlib import blake2b


def cause_id(*causes: str) -> str:
    """24 hex digits that name what these causes brought about, in this order.

    96 bits: a million million ids meet with a chance of one in a hundred thousand.
    """
    text = "\x1f".join([str(len(cause)) + "\x1e" + cause for cause in causes])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def touchpoint_key(source: str, touchpoint: str) -> int:
    """64 bits by which a profile remembers that it has taken this touchpoint."""
    text = f"{len(source)}\x1e{source}\x1f{touchpoint}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
