"""The records that a source brought: those that can be used, and those that cannot, each with the reason.

One bad record must neither hold up the others nor vanish: whoever accepts events keeps it for a person.
"""

from collections.abc import Sequence

from engine.connect.connector_plan import SourcePlan
from engine.language.compiled import EvaluationError
from engine.values.value import Value


def sort_out(source: SourcePlan, items: Sequence[Value]) -> tuple[list[Value], list[tuple[Value, str]]]:
    """The records that are wanted, decoded; and those that the schema or the `when` cannot take."""
    good: list[Value] = []
    unfit: list[tuple[Value, str]] = []
    for item in items:
        wrong = source.output.complaints(item)
        if wrong:
            unfit.append((item, "; ".join(wrong)))
            continue
        decoded = source.output.decode(item) if source.output.decode else item
        try:
            if source.when is None or source.when.call({"item": decoded}) is True:
                good.append(decoded)
        except EvaluationError as error:
            unfit.append((item, str(error)))
    return good, unfit
