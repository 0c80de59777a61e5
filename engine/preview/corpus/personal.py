"""Where personal data stands: what entities mark as `personal`, what becomes that, what goes by its name.

Records of other systems bear no marks. What a mapping carries from them into a personal field is as personal
as that; of the rest, fields that are called as personal data commonly is are taken for it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from engine.plan.meaning import Meaning, Part
from engine.plan.plan import Plan
from engine.preview.behaviour.mask import Places, field_at, is_within, personal_places, said_at
from engine.preview.corpus.pseudonyms import Bounds
from engine.values.type import ANY, Record, Type

CALLED = frozenset(
    """
    address address_line birth_date birth_name birthdate birthday bank_account bank_account_number bic
    cell_phone city_of_birth contact_name date_of_birth driver_license e_mail email email_address family_name
    fax first_name full_name given_name home_address iban last_name maiden_name middle_name mobile
    mobile_number mobile_phone national_id passport passport_number personal_id phone phone_number
    social_security_number ssn street street_address surname tax_id telephone user_email user_name username
    worker_email worker_name employee_name employee_email person_name
    """.split()
)
"""Names of fields that are personal wherever they stand; `firstName` and `first-name` are `first_name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A record as far as redaction has to know it: its type, and what of it is personal."""

    type: Type = ANY
    places: Places = frozenset()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)  # what texts have to fit, by place


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What is personal in the records of a workspace."""

    events: Mapping[str, Kind]
    reads: Mapping[str, Kind]  # by operation; `entity.worker` for the ledger's own
    hide: Collection[str] = ()  # fields that are personal though nobody marked them
    keep: Collection[str] = ()  # fields that are not, whatever they are called

    def is_so(self, kind: Kind, place: str) -> bool:
        """Whether a field is personal, by its place in a record."""
        if self.is_kept(place):
            return False
        marked = any(is_within(place, one) for one in kind.places)
        return marked or snake(place.rpartition(".")[2]) in CALLED or self._is_hidden(place)

    def is_kept(self, place: str) -> bool:
        """Whether a person said that a field is to stay as it is."""
        return any(_is_called(place, name) for name in self.keep)

    def _is_hidden(self, place: str) -> bool:
        return any(_is_called(place, name) for name in self.hide)


NOTHING_KNOWN = Kind()


def personal_of(
    plan: Plan,
    meaning: Meaning,
    types: Mapping[str, Type],
    reads: Mapping[str, Type],
    *,
    hide: Collection[str] = (),
    keep: Collection[str] = (),
) -> Personal:
    """What a workspace says of what is personal.

    ``types`` are by their names ("canonical/worker@1"), ``reads`` what operations give, by theirs.
    """
    marked = dict(personal_places(meaning))
    carried = _carried(plan, meaning, marked)
    bounds = {f"canonical/{part.name}": dict(_bounds(part)) for part in _entities(meaning)}

    def of(name: str, kind: Type) -> Kind:
        places = marked.get(name, frozenset()) | carried.get(name, frozenset())
        return Kind(type=kind, places=places, bounds=bounds.get(name, {}))

    events = {}
    for name in plan.events:
        said = said_at(meaning, f"event {name}", ("data",))
        events[name] = of(said, types.get(said, ANY))
    for event in plan.events.values():
        if event.earlier is not None:
            said = said_at(meaning, f"event {event.name}", ("deprecates", "data"))
            events[event.earlier.name] = of(said, types.get(said, ANY))
    kinds = {name: of(kind.name if isinstance(kind, Record) else "", kind) for name, kind in reads.items()}
    for part in _entities(meaning):
        kinds[f"entity.{part.name.partition('@')[0]}"] = of(
            f"canonical/{part.name}", types.get(f"canonical/{part.name}", ANY)
        )
    return Personal(events=events, reads=kinds, hide=tuple(hide), keep=tuple(keep))


def _entities(meaning: Meaning) -> Iterator[Part]:
    return (part for part in meaning.parts.values() if part.kind == "entity")


def _carried(plan: Plan, meaning: Meaning, marked: Mapping[str, Places]) -> dict[str, Places]:
    """By the name of its type, what of a record becomes personal as it is."""
    found: dict[str, Places] = {}
    for mapping in plan.mappings.values():
        part = f"mapping {mapping.name}"
        personal = marked.get(said_at(meaning, part, ("output",)), frozenset())
        for made, origins in mapping.lineage.items() if personal else ():
            if any(is_within(made, one) for one in personal):
                for origin in origins:
                    if origin.carried and origin.path:
                        kind = said_at(meaning, part, ("inputs", origin.root))
                        found[kind] = found.get(kind, frozenset()) | {".".join(origin.path)}
    return found


def _bounds(part: Part) -> Iterator[tuple[str, Bounds]]:
    """What the texts of an entity have to fit, by the place of their field."""
    for place in {one[:-1] for one in part.says if one[-1] in ("min_length", "max_length", "pattern")}:
        said = {one[-1]: part.says[one].value for one in part.says if one[:-1] == place}
        pattern = said.get("pattern")
        yield (
            field_at((*place, "type")),
            Bounds(
                shortest=_whole(said.get("min_length")) or 0,
                longest=_whole(said.get("max_length")),
                pattern=None if pattern is None else str(pattern),
            ),
        )


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def snake(name: str) -> str:
    """`firstName`, `first-name` and `First Name` as `first_name`."""
    spaced = "".join(
        f"_{letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(f" {name}", name, strict=False)
    )
    return spaced.replace("-", "_").replace(" ", "_").casefold()


def _is_called(place: str, name: str) -> bool:
    return place == name or place.endswith(f".{name}")
