"""How the key of an effect is written for a system that folds repeats."""

from hashlib import sha256
from uuid import UUID, uuid5

from engine.connect.connector_plan import OncePlan

# Names of effects, as RFC 9562 makes UUIDs of names; drawn once.
_NAMES = UUID("5f1ac3b8-6c0e-4b1f-9d5a-0e7c2f4a8d31")


def once_key(once: OncePlan, key: str) -> str:
    """The same text for the same effect, always: a UUID, or text within the length that the system takes."""
    if once.form == "uuid":
        return str(uuid5(_NAMES, key))
    plain = key.isascii() and all(char.isalnum() or char in "-_.:" for char in key)
    if plain and len(key) <= once.max_length:
        return key
    return sha256(key.encode()).hexdigest()[: once.max_length]
