"""Touchpoints in: outsiders' forms, what each must keep to, and how it becomes a `Touchpoint`."""

from .decoding import Raw, decode, says_nothing
from .mapped import Mapping, MappingError, compile_mapping

__all__ = ["Mapping", "MappingError", "Raw", "compile_mapping", "decode", "says_nothing"]
