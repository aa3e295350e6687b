"""Tokens and profile ids: keyed hashes, so that no key, log or record holds a person's data.

Both are functions of their cause alone. Two workers that see the same new cookie make the same
profile, and an inbox read again makes the same ones.
"""

from binascii import b2a_base64
from functools import lru_cache
from hashlib import blake2b

from schemas.touchpoint import ProfileId

ID_LENGTH = 22
"""Of a profile id, and of a token after its namespace: 16 bytes in base64url."""

_URLSAFE = bytes.maketrans(b"+/", b"-_")


def token(namespace: str, value: str, key: bytes) -> str:
    """`<namespace>:<22 characters>` for a normalised value."""
    return namespace + ":" + _hash(f"{namespace}\0{value}".encode(), key)


@lru_cache(maxsize=4096)
def profile_id(strongest: str, generation: int, key: bytes) -> ProfileId:
    """The id of the profile that begins with this token; a used-up id has a next generation."""
    return ProfileId(_hash(f"p\0{strongest}\0{generation}".encode(), key))


def device_profile(token: str, key: bytes) -> ProfileId:
    """The id of the anonymous profile of a shared identifier: it is never merged."""
    return ProfileId(_hash(f"device|{token}".encode(), key))


def nobody(token: str, key: bytes) -> ProfileId:
    """An id that no profile ever has: what is said of an identifier of nobody's goes its way."""
    return ProfileId(_hash(f"nobody|{token}".encode(), key))


def key_print(key: bytes) -> str:
    """Tells two keys apart without telling either: tokens of another key find nobody."""
    return _hash(b"print", key)


def _hash(text: bytes, key: bytes) -> str:
    made = _keyed(key).copy()
    made.update(text)
    return b2a_base64(made.digest())[:ID_LENGTH].translate(_URLSAFE).decode()


@lru_cache(maxsize=16)
def _keyed(key: bytes) -> blake2b:
    """Before any text: to copy it takes 1 µs less than to begin with a key."""
    return blake2b(key=key, digest_size=16)
