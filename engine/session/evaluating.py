"""Single expressions, with what a workspace has for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.compile.evaluate import evaluate
from engine.errors import InputError
from engine.session.loading import Session, load
from engine.values.value import Value


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates single expressions, with the calendars of a workspace if there is one without problems."""

    session: Session | None

    @classmethod
    def of(cls, folder: Path | None) -> "Evaluator":
        """With the workspace of this folder, or of the present one; without, when there is none."""
        try:
            return cls(load(folder))
        except InputError:
            if folder is not None:
                raise
            return cls(None)

    @property
    def lacks(self) -> str:
        """What of the workspace cannot be used, in a sentence; nothing where all can, or there is none."""
        if self.session is None or self.session.compiled is not None:
            return ""
        return (
            "the workspace has problems, so its calendars are not known here; `tidegate validate` lists them"
        )

    def evaluate(self, kind: str, text: str, data: Value) -> Mapping[str, Value]:
        """`{"value": ...}`, or `{"problem": {...}, "rendered": TEXT}`; never raises for what is given."""
        compiled = None if self.session is None else self.session.compiled
        functions = None if compiled is None else compiled.functions
        return evaluate(kind, text, data, functions)
