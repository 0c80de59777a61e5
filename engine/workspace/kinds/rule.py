"""`rule`: what the documents of a workspace have to keep to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, Document, FormulaText, TemplateText, note

SUBJECTS = ("document", "flow", "step")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDocument(Document):
    """A demand on documents themselves, which `validate` checks."""

    kind: ClassVar[str] = "rule"

    rule: Text = note("The name of the rule.", pattern=NAME)
    applies_to: Text = note(
        "What it is about: every document, every flow, or every step of a flow. Formulas see its facts "
        "under this name.",
        choices=SUBJECTS,
    )
    where: FormulaText | None = note(
        "Only those for which this is true.",
        default=None,
        examples=("step.verb == 'write' and step.system == 'erp'",),
    )
    demands: FormulaText = note(
        "What has to be true of each.", examples=("len(step.policies) > 0", "document.owner is not None")
    )
    says: TemplateText = note("What is said to whoever breaks it, in a sentence; it sees the same facts.")
    mode: Text = note(
        "`evaluate` tells of what breaks it, as warnings; `enforce` refuses it.",
        default="evaluate",
        choices=("evaluate", "enforce"),
    )
    exempt: Mapping[Text, Text] = note(
        "Those that need not keep to it, by name (a step is `flow.step`), each with the reason.", default={}
    )
