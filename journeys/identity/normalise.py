"""What a sender wrote as an identifier becomes the identifier itself, for ever.

The order of the steps is part of the result: to change one is a migration of every workspace.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

import phonenumbers

from journeys.identity.config import IdentityConfig
from journeys.identity.namespaces import GMAIL, Namespace

LONGEST = 512
"""Characters of a normalised value."""

_INVISIBLE = frozenset({"Cc", "Cf"})  # control and format: zero widths, byte order marks
_QUOTES = ("'", '"')
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_GOOGLES = ("gmail.com", "googlemail.com")
_LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


# What the library would find out in 22 µs, of a form that most of them have here. Numbers that
# begin with 179 may carry a carrier's prefix, which it takes off.
_MOBILE = phonenumbers.PhoneMetadata.metadata_for_region("CN").mobile.national_number_pattern  # type: ignore[union-attr]
_MOBILE_OF_CHINA = re.compile(rf"(?:\+86)?(?!179)((?:{_MOBILE}))", re.ASCII)


class Unusable(ValueError):
    """The value cannot identify anyone; `reason` is `blocked` or `invalid`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def normalise(raw: str, namespace: Namespace, config: IdentityConfig) -> str:
    """The identifier's value, 1 to 512 characters; raises Unusable.

    1. NFKC, blanks around it, control and format characters, one pair of quotes
    2. is it blocked?
    3. the namespace's own steps
    4. is it blocked now?
    5. its length
    """
    cleaned = value = _cleaned(raw)  # 1
    _refuse_blocked(value, config)  # 2
    for step in namespace.norm:  # 3
        value = _STEPS[step](value, config)
    if value != cleaned:
        _refuse_blocked(value, config)  # 4
    if not 1 <= len(value) <= LONGEST:  # 5
        raise Unusable("invalid")
    return value


def _cleaned(raw: str) -> str:
    value = raw.strip() if raw.isascii() else unicodedata.normalize("NFKC", raw).strip()
    if not value.isprintable():
        seen = [c for c in value if unicodedata.category(c) not in _INVISIBLE]
        value = "".join(seen).strip()
    if value.startswith(_QUOTES) and len(value) > 1 and value[0] == value[-1]:
        value = value[1:-1].strip()
    return value


def _refuse_blocked(value: str, config: IdentityConfig) -> None:
    lowered = value.lower()
    if lowered in config.blocked_exact:
        raise Unusable("blocked")
    for pattern in config.blocked_patterns:
        if pattern.search(lowered):
            raise Unusable("blocked")


def _phone(value: str, config: IdentityConfig) -> str:
    if config.region == "CN" and (mobile := _MOBILE_OF_CHINA.fullmatch(value)):
        return f"+86{mobile[1]}"
    try:
        number = phonenumbers.parse(value, config.region)
    except phonenumbers.NumberParseException:
        raise Unusable("invalid") from None
    if not phonenumbers.is_valid_number(number):
        raise Unusable("invalid")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _email(value: str, config: IdentityConfig) -> str:
    value = value.lower()
    if len(value) > _LONGEST_EMAIL or not _EMAIL.fullmatch(value):
        raise Unusable("invalid")
    return value


def _gmail(value: str, config: IdentityConfig) -> str:
    """Google's mailboxes have no dots, and what follows a plus is not of their name."""
    mailbox, _, host = value.rpartition("@")
    if host not in _GOOGLES:
        return value
    folded = mailbox.partition("+")[0].replace(".", "")
    return f"{folded}@gmail.com" if folded else value


def _lower(value: str, config: IdentityConfig) -> str:
    return value.lower()


def _upper_alnum(value: str, config: IdentityConfig) -> str:
    return re.sub(r"[\s-]", "", value).upper()


_STEPS: Mapping[str, Callable[[str, IdentityConfig], str]] = {
    "phone": _phone,
    "email": _email,
    GMAIL: _gmail,
    "lower": _lower,
    "upper_alnum": _upper_alnum,
}
