"""Who owns what: the matrix of systems of record, field by field, as a release has it."""

from dataclasses import asdict, dataclass

from engine.values.value import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOwner:
    """One row of the matrix."""

    entity: str
    version: int
    field: str  # a dotted name for one inside of a record or of the items of a list
    owner: str | None  # a system; None where nobody is said to own it
    copy_of: str | None  # the field that it repeats: `client.name`
    updated_by: tuple[str, ...]  # sources (`crm.opportunity_won`) and flows (`flow.step`) that fill it
    written_to: tuple[str, ...]  # operations that carry it to a system: `erp.save_project`
    checks: tuple[str, ...]  # policies that read it

    def record(self) -> dict[str, Value]:
        """The row as plain data, by the names of its columns."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
