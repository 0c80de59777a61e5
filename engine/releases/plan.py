"""The plan of a change of release, as it is saved, shown, approved and carried out.

A plan has the release in full, so that what is carried out is what was looked at. Its hash is over everything
in it; the release is named by its own fingerprint, which is worked out anew before it is deployed.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from engine.errors import InputError
from engine.releases.proof import Proof, proof_of
from engine.values.canonical import fingerprint
from engine.values.json_text import JsonError, read_json, write_json
from engine.values.value import Value

FORM = 1
MAX_PLAN = 48 * 1024 * 1024  # bytes, so that a daemon takes it
DEPLOY, ROLLBACK = "deploy", "rollback"
KINDS = (DEPLOY, ROLLBACK)

FINISH = "finish"  # it ends by the release that it began with
MOVE = "move"  # its run ends as moved, and a further attempt works its event by the new release
REPLAY = "replay"  # a further attempt works its event by the new release
FATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "running": (FINISH,),
        "doubt": (FINISH,),
        "queued": (FINISH, MOVE),
        "waiting": (FINISH, MOVE),
        "held": (FINISH, MOVE),
        "dead": (FINISH, REPLAY),
    }
)
"""What may become of work under way, by its class; the only one of a class need not be said."""

CLASSES = tuple(FATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items of one class that began on one release, of a flow that the new release decides otherwise."""

    kind: str  # one of CLASSES
    flow: str
    release: str
    severity: str  # of what changes for the flow: breaking, forward-only, safe
    count: int
    examples: tuple[str, ...]  # ids of runs
    fate: str | None = None  # None: one has to be said
    impossible: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # fate: why not

    @property
    def name(self) -> str:
        """How a fate for this group alone is written."""
        return f"{self.kind}:{self.flow}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePlan:
    """Which release takes over from which, and what becomes of the work that this touches."""

    kind: str
    environment: str
    base: str | None  # the release that is active when it is carried out; None for none
    release: str
    by: str  # who made the plan
    at: str
    fates: Mapping[str, str]  # by class, or by class and flow
    # Of each release that work under way began on: the flows that are touched, and how severely.
    touched: Mapping[str, Mapping[str, str]]
    groups: Sequence[Group]
    untouched: Mapping[str, int]  # how many items of each class go on unchanged
    changes: Sequence[Mapping[str, str]]
    proof: Proof | None  # that the release was deployed elsewhere before
    content: bytes = field(repr=False)

    @property
    def hash(self) -> str:
        """The name of the plan: over everything that it says."""
        return fingerprint(self.said())

    @property
    def moves(self) -> bool:
        """Whether anything of what it touches is to be worked by the new release."""
        return any(fate != FINISH for fate in self.fates.values())

    @property
    def missing(self) -> list[Group]:
        """The groups whose fate has to be said."""
        return [group for group in self.groups if group.fate is None]

    def fate(self, kind: str, flow: str) -> str | None:
        """What becomes of an item; None when nobody said it."""
        return fate_in(self.fates, kind, flow)

    def detail(self, reason: str) -> dict[str, Value]:
        """How the record of changes names it, where it is carried out for a reason."""
        return {
            "plan": self.hash,
            "release": self.release,
            "base": self.base,
            "environment": self.environment,
            "planned_by": self.by,
            "reason": reason,
        }

    def said(self) -> dict[str, Value]:
        """Everything that it says, as a record."""
        return {
            "form": FORM,
            "kind": self.kind,
            "environment": self.environment,
            "base": self.base,
            "release": self.release,
            "by": self.by,
            "at": self.at,
            "fates": dict(self.fates),
            "touched": {release: dict(flows) for release, flows in self.touched.items()},
            "items": [_said_group(group) for group in self.groups],
            "untouched": dict(self.untouched),
            "changes": [dict(change) for change in self.changes],
            "proof": None if self.proof is None else self.proof.said(),
            "content": b64encode(self.content).decode(),
        }


def fate_in(fates: Mapping[str, str], kind: str, flow: str) -> str | None:
    """What becomes of items: what was said of class and flow, else of the class, else the only way."""
    only = FATES[kind][0] if len(FATES[kind]) == 1 else None
    return fates.get(f"{kind}:{flow}") or fates.get(kind) or only


def write_plan(plan: ReleasePlan) -> bytes:
    """The plan as it is saved, with its hash.

    Raises:
        InputError: when it is larger than what is read again.

    """
    text = write_json({"hash": plan.hash, **plan.said()}, indent=True) + b"\n"
    if len(text) > MAX_PLAN:
        raise InputError(f"the plan would have {len(text):,} bytes, and at most {MAX_PLAN:,} are read again")
    return text


def read_plan(text: bytes) -> ReleasePlan:
    """A plan that was saved.

    Raises:
        InputError: when it is none, or is not what its hash says.

    """
    if len(text) > MAX_PLAN:
        raise InputError(f"the file has {len(text):,} bytes, and a plan has at most {MAX_PLAN:,}")
    try:
        found = cast("dict[str, Value]", read_json(text, most=MAX_PLAN))
        hashed = found.pop("hash")
        plan = _plan(found)
    except (JsonError, AttributeError, KeyError, TypeError, ValueError, Base64Error) as error:
        raise InputError("this is no plan of a release; `tidegate plan` makes one") from error
    if found.get("form") != FORM:
        raise InputError(f"the plan has the form {found.get('form')!r}, and this version reads {FORM}")
    if plan.hash != hashed:
        raise InputError("the plan was changed after it was made; make it anew with `tidegate plan`")
    return plan


def _plan(found: Mapping[str, Value]) -> ReleasePlan:
    base = found["base"]
    touched = cast("dict[str, dict[str, str]]", found["touched"])
    return ReleasePlan(
        kind=_one_of(str(found["kind"]), KINDS),
        environment=str(found["environment"]),
        base=None if base is None else str(base),
        release=str(found["release"]),
        by=str(found["by"]),
        at=str(found["at"]),
        fates=checked_fates(cast("dict[str, str]", found["fates"])),
        touched={str(release): dict(flows) for release, flows in touched.items()},
        groups=[_group(one) for one in cast("list[dict[str, Value]]", found["items"])],
        untouched=dict(cast("dict[str, int]", found["untouched"])),
        changes=[dict(one) for one in cast("list[dict[str, str]]", found["changes"])],
        proof=None if found["proof"] is None else proof_of(cast("dict[str, Value]", found["proof"])),
        content=b64decode(str(found["content"]), validate=True),
    )


def _one_of(text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ValueError(text)
    return text


def checked_fates(fates: Mapping[str, str]) -> dict[str, str]:
    """Fates as a person said them.

    Raises:
        InputError: when there is no such class, or no such fate of it.

    """
    for name, fate in fates.items():
        kind = name.partition(":")[0]
        if kind not in FATES:
            raise InputError(f"{kind!r} is no class of work; there are: {', '.join(CLASSES)}")
        if fate not in FATES[kind]:
            raise InputError(f"what is {kind} can {_or(FATES[kind])}, and not {fate!r}")
    return dict(fates)


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


def _said_group(group: Group) -> dict[str, Value]:
    return {
        "class": group.kind,
        "flow": group.flow,
        "release": group.release,
        "severity": group.severity,
        "count": group.count,
        "examples": list(group.examples),
        "fate": group.fate,
        "impossible": dict(group.impossible),
    }


def _group(found: Mapping[str, Value]) -> Group:
    count, fate = found["count"], found["fate"]
    if not isinstance(count, int):
        raise TypeError(count)
    return Group(
        kind=_one_of(str(found["class"]), CLASSES),
        flow=str(found["flow"]),
        release=str(found["release"]),
        severity=str(found["severity"]),
        count=count,
        examples=tuple(str(one) for one in cast("list[Value]", found["examples"])),
        fate=None if fate is None else str(fate),
        impossible=dict(cast("dict[str, str]", found["impossible"])),
    )
