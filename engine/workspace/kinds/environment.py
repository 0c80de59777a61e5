"""`environment`: what has to be so before a release is deployed to the ledger of an environment."""

from dataclasses import dataclass
from typing import ClassVar

from engine.source import Text
from engine.spec.field import NAME, Document, note


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDocument(Document):
    """What a change of release needs in an environment: who agrees, and where it was tried before."""

    kind: ClassVar[str] = "environment"

    environment: Text = note(
        "The environment, as connections and `--env` name it.", pattern=NAME, examples=("prod",)
    )
    approve: tuple[Text, ...] = note(
        "The roles in which persons have to approve the plan of a release: one person for each, and none of "
        "them the one who made the plan. It is the active release that says so, not the one that takes over.",
        default=(),
        many=True,
        examples=("controller",),
    )
    after: Text | None = note(
        "The environment to which the same release has to have been deployed before.",
        default=None,
        pattern=NAME,
        examples=("test",),
    )
