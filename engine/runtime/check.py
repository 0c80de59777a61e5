"""Whether what is open in a ledger can be gone on with: by this release, from what is recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.connect import ConnectorPlan, Effect, Failure, Receipt
from engine.errors import TidegateError
from engine.language.compiled import EvaluationError
from engine.ledger import LedgerReader
from engine.ledger.rows import RunRow
from engine.plan.plan import Plan
from engine.runtime.connections import Connection, Connections
from engine.runtime.recover import Recovery
from engine.values.value import Value

AT_ONCE = 500


def open_work(
    reader: LedgerReader, plans: Callable[[str], Plan], manifests: Mapping[str, ConnectorPlan]
) -> Iterator[tuple[RunRow, str | None]]:
    """Every run that is not over, and why it cannot be gone on with; None when it can be.

    Each is decided again from its event, its release and its recorded answers, as the next start would do,
    and has to stand where the ledger says that it stands. Nothing is sent and nothing is written.
    """
    recovery = recovery_of(reader, plans, manifests)
    after = 0
    while rows := reader.open_runs(after=after, limit=AT_ONCE):
        after = rows[-1].seq
        for row in rows:
            yield row, _wrong(recovery, row)


def recovery_of(
    reader: LedgerReader, plans: Callable[[str], Plan], manifests: Mapping[str, ConnectorPlan]
) -> Recovery:
    """What decides runs again, and can reach no system."""
    unopened = {name: Connection(name, _Nowhere(), plan) for name, plan in manifests.items()}
    return Recovery(reader, plans, Connections(unopened))


class _Nowhere:
    """A connector that leads nowhere: what is recorded is only read again."""

    async def write(self, effects: Sequence[Effect]) -> list[Receipt | Failure]:
        raise AssertionError(f"a check sends nothing: {effects}")

    async def read(self, operation: str, parameters: Mapping[str, Value]) -> Value:
        raise AssertionError(f"a check asks nobody: {operation} {parameters}")

    async def look_up(self, effect: Effect) -> Receipt | None:
        raise AssertionError(f"a check asks nobody: {effect}")

    async def aclose(self) -> None:
        """Nothing is open."""


def _wrong(recovery: Recovery, row: RunRow) -> str | None:
    try:
        stands = recovery.run(row).state.status.value
    except TidegateError as error:
        return str(error)
    except (EvaluationError, AssertionError, KeyError) as error:
        return f"it cannot be decided again: {error}"
    if stands != row.status:
        return f"it is {row.status} in the ledger, and {stands} when it is decided again"
    return None
