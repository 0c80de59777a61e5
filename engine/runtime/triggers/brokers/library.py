"""How the library of the lines signs in, and leaves messages as they came."""

from typing import TypeAlias, TypeVar

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from engine.connect.broker import Address

M = TypeVar("M")

SignedIn: TypeAlias = type[SASLPlaintext | SASLScram256 | SASLScram512]


def security(address: Address, how: SignedIn = SASLPlaintext) -> BaseSecurity | None:
    """How an address wants to be signed in to; None where nobody signs in and nothing is encrypted."""
    trust = address.trust()
    if address.username is None or address.password is None:
        return None if trust is None else BaseSecurity(ssl_context=trust)
    return how(username=address.username, password=address.password.reveal(), ssl_context=trust)


async def whole(message: M) -> M:
    """The message as it is: what is in it is read here, and not by the library."""
    return message
