"""What Tryton's errors mean. Most come with HTTP 200, and of many only the English text tells which they are.

Each call therefore asks for English, whatever language the user has chosen for the screen.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.connect import Failure, Fault, FaultClass, Value, fault_of

# The words of Tryton 8.2 for a period, or a journal in a period, that takes no more entries.
CLOSED_PERIOD = re.compile(
    r"on closed journal-period |"
    r"in closed period |"
    r"you must reopen the period |"
    r"^The period of move .* is closed"
)
BUSY = re.compile(r"database is locked|could not serialize|deadlock detected", re.IGNORECASE)
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Tryton asks whether it really should; the name goes back when it should."""

    name: str  # "4c1f...e2.invoice_payment_term": of this very case, then of its kind
    text: str

    @property
    def kind(self) -> str:
        """What it warns of, whichever record it is about."""
        return self.name.partition(".")[2]


def warning_in(error: Value) -> Warned | None:
    """The warning that an answer's `error` is, or None."""
    kind, texts = _parts(error)
    return Warned(name=texts[0], text=texts[1]) if kind == "UserWarning" and len(texts) > 1 else None


def fault_in(error: Value, system: str) -> Fault:
    """The fault that an answer's `error` is. Whatever it is, Tryton has undone the call."""
    kind, texts = _parts(error)
    text = " ".join(filter(None, texts))[:LONGEST_TEXT]
    return fault_of(
        Failure(
            fault=_class(kind, text),
            reason=f"{system}: {text or kind}",
            evidence={"kind": kind[:LONGEST_TEXT], "text": text},
        )
    )


def _class(kind: str, text: str) -> FaultClass:
    if kind == "UserError":
        return FaultClass.CLOSED_PERIOD if CLOSED_PERIOD.search(text) else FaultClass.PERMANENT
    if kind == "ConcurrencyException" or BUSY.search(kind):
        return FaultClass.TRANSIENT
    return FaultClass.PERMANENT


def _parts(error: Value) -> tuple[str, list[str]]:
    """The kind and the texts: a server fault is its text and an empty trace, the others name their kind."""
    if not isinstance(error, Sequence) or isinstance(error, str) or not error:
        return str(error), []
    rest = error[1] if len(error) > 1 else []
    texts = rest if isinstance(rest, Sequence) and not isinstance(rest, str) else [rest]
    return str(error[0]), [item for item in texts if isinstance(item, str)]


def refusal(reason: str, evidence: Mapping[str, Value] | None = None) -> Failure:
    """Our own refusal, before anything was sent or on what was found."""
    return Failure(fault=FaultClass.PERMANENT, reason=reason, evidence=evidence or {})
