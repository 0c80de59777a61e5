"""A plan for whoever decides about it: what takes over from what, what it touches, what becomes of that."""

from collections.abc import Iterator, Mapping

from engine.preview.meaning import BEHAVIOUR, USE
from engine.releases.plan import FATES, Group, ReleasePlan

SHORT = 12
MOST = 20  # changes that are listed

KIND_WORDS: Mapping[str, str] = {
    "running": "on their way",
    "doubt": "in doubt",
    "queued": "in line",
    "waiting": "waiting",
    "held": "held",
    "dead": "dead",
}
FATE_WORDS: Mapping[str, str] = {
    "finish": "end by the release that they began with",
    "move": "are worked by the new release instead",
    "replay": "are worked again, by the new release",
}


def text(plan: ReleasePlan) -> str:
    """The plan as lines, the short answer first."""
    return "\n".join([*_head(plan), *_groups(plan), *_changes(plan)])


def _head(plan: ReleasePlan) -> Iterator[str]:
    base = "nothing" if plan.base is None else plan.base[:SHORT]
    back = "goes back to" if plan.kind == "rollback" else "takes over in"
    if plan.kind == "rollback":
        yield f"{plan.environment!r} {back} release {plan.release[:SHORT]}, from {base}."
    else:
        yield f"Release {plan.release[:SHORT]} {back} {plan.environment!r} from {base}."
    touching = [change["touches"] for change in plan.changes]
    decides, uses = touching.count(BEHAVIOUR), touching.count(USE)
    words = len(touching) - decides - uses
    if plan.base is not None:
        changes = "change" if decides == 1 else "changes"
        yield f"{decides:,} {changes} of behaviour, {uses:,} by what is used, {words:,} of wording."
    yield _work(plan)


def _work(plan: ReleasePlan) -> str:
    totals: dict[str, int] = {}
    for group in plan.groups:
        totals[group.kind] = totals.get(group.kind, 0) + group.count
    touched = ", ".join(f"{totals[kind]:,} {KIND_WORDS[kind]}" for kind in FATES if kind in totals)
    others = sum(plan.untouched.values())
    return f"Work under way that this touches: {touched or 'none'}; {others:,} items are not touched."


def _groups(plan: ReleasePlan) -> Iterator[str]:
    for group in plan.groups:
        yield ""
        yield (
            f"{group.count:,} {KIND_WORDS[group.kind]}: {group.flow} of release {group.release[:SHORT]} "
            f"[{group.severity}]"
        )
        yield f"  {_fate(group)}"
        for fate, why in group.impossible.items():
            yield f"  cannot {fate}: {why}"
        yield f"  such as {', '.join(group.examples)}"


def _fate(group: Group) -> str:
    if group.kind == "dead" and group.fate == "finish":
        return "they stay as they are"
    if group.fate is not None:
        return f"they {FATE_WORDS[group.fate]}"
    possible = [fate for fate in FATES[group.kind] if fate not in group.impossible]
    if not possible:
        return "nothing can become of them: the release cannot take over until they are over"
    ways = " or ".join(f"--fate {group.kind}={fate}" for fate in possible)
    return f"what becomes of them has to be said: {ways}"


def _changes(plan: ReleasePlan) -> Iterator[str]:
    if plan.changes:
        yield ""
    for change in plan.changes[:MOST]:
        yield f"{change['part']}: {change['sentence']} [{change['severity']}]"
    if len(plan.changes) > MOST:
        yield f"and {len(plan.changes) - MOST:,} more; `tidegate diff` tells all of them"
