"""One byte form for a value, for hashes and comparison.

Keys sorted, no blanks, numbers in one spelling (1.50, 1.5 and 15e-1 are the same number, and so
are 2 and 2.0), instants in UTC. Two values are equal exactly when their canonical bytes are.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256

from engine.values.json_text import instant_text, write_json
from engine.values.value import Value


def canonical_bytes(value: Value) -> bytes:
    """The canonical form of a value, as UTF-8 JSON."""
    return write_json(_normal(value), sort_keys=True)


def fingerprint(value: Value) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return sha256(canonical_bytes(value)).hexdigest()


def text_hash(data: bytes) -> str:
    """SHA-256 of bytes as they are, in hexadecimal."""
    return sha256(data).hexdigest()


def _normal(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value
