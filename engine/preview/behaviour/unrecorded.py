"""A value that nobody recorded: whoever decides by it is stopped, so that nothing is ever guessed.

It stands where a receipt has something beside its id. A flow that does not look at it goes on.
"""

from collections.abc import Mapping
from typing import NoReturn


class UnrecordedError(BaseException):
    """A decision needs what was not recorded. No expression may take it for a failure of its own."""

    def __init__(self, what: str) -> None:
        """Say what is needed."""
        super().__init__(what)
        self.what = what


class Unrecorded:
    """What somebody would have had to record."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        """Named for those who read the report."""
        self.what = what

    def _needed(self, *_: object) -> NoReturn:
        raise UnrecordedError(self.what)

    __bool__ = __str__ = __hash__ = __len__ = __iter__ = _needed
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getitem__ = _needed
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _needed
    __neg__ = __int__ = __float__ = __format__ = _needed


def unrecorded_in(value: object) -> str | None:
    """What was not recorded and stands in a value; None where all was."""
    if isinstance(value, Unrecorded):
        return value.what
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := unrecorded_in(item)) is not None), None)
    return None
