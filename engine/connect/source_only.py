"""A connector from which events come, and to which nothing can be written."""

from collections.abc import Sequence

from engine.connect.connector import Outcome
from engine.connect.faults import permanent
from engine.effect import Effect, Failure, FaultClass, Receipt
from engine.values.value import Value


class SourceOnly:
    """What a folder and a broker have in common: they take no records and answer no questions."""

    def __init__(self, connection: str, kind: str) -> None:
        """`kind` is what the connection is, in the words of an analyst: "a folder"."""
        self._name = connection
        self._kind = kind

    async def write(self, effects: Sequence[Effect]) -> Sequence[Outcome]:
        """Refuse every record."""
        refused = Failure(fault=FaultClass.PERMANENT, reason=self._takes_no_records)
        return [refused for _ in effects]

    async def read(self, operation: str, parameters: object) -> Value:
        """Refuse a question.

        Raises:
            Fault: always; permanent.

        """
        del operation, parameters
        raise permanent(f"{self._name} is {self._kind}, and answers no questions")

    async def look_up(self, effect: Effect) -> Receipt | None:
        """Refuse to look for what cannot have been written.

        Raises:
            Fault: always; permanent.

        """
        del effect
        raise permanent(self._takes_no_records)

    @property
    def _takes_no_records(self) -> str:
        return f"{self._name} is {self._kind}, and takes no records"
