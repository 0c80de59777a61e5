"""What the commands about releases share: showing a plan, and having it carried out."""

from typing import TYPE_CHECKING, cast

from engine.cli import output
from engine.cli.control import ask_daemon
from engine.errors import InputError, LedgerMissing
from engine.values.json_text import write_json
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.ledger import LedgerReader
    from engine.releases import ReleasePlan


def reader_of(ledger_url: str) -> "LedgerReader | None":
    """What reads a ledger; None where there is none yet."""
    from engine.ledger import open_reader

    try:
        return open_reader(ledger_url)
    except LedgerMissing:
        return None


def show(plan: "ReleasePlan", form: str) -> None:
    """Print a plan; without the release itself, which only programs read."""
    from engine.releases.text import text

    if form == "json":
        said = plan.said()
        del said["content"]
        output.json({"hash": plan.hash, **said})
    else:
        output.line(text(plan))


def require_true(plan: "ReleasePlan", ledger_url: str) -> None:
    """Refuse a plan that somebody wrote by hand to say less than its release does.

    Raises:
        InputError: when it does not say what its release changes.

    """
    from engine.releases import is_true

    reader = reader_of(ledger_url)
    if reader is None:
        return
    try:
        so = is_true(plan, reader)
    finally:
        reader.close()
    if not so:
        raise InputError(
            "what the plan says of the release is not what changes by it; make it anew with `tidegate plan` "
            "of this version"
        )


def approve(request: dict[str, Value], ledger_url: str) -> None:
    """Write down that a person approves a plan: by the daemon of the ledger, or here where none runs.

    Raises:
        LedgerError: when the ledger cannot be opened or written.

    """
    from engine.clock import SystemClock
    from engine.ledger import Commit, instant
    from engine.releases import opened
    from engine.runtime.deployed import APPROVE, fact

    if ask_daemon(ledger_url, "approve", request) is not None:
        return
    clock = SystemClock()
    said = {name: value for name, value in request.items() if name != "by"}
    with opened(ledger_url, clock) as ledger:
        entry = fact(instant(clock.now()), str(request["by"]), APPROVE, said)
        ledger.commit(Commit(entries=[entry]))


def try_release(plan: "ReleasePlan", said: dict[str, Value], ledger_url: str, by: str, reason: str) -> None:
    """Have a release tried on a part of what comes in: by the daemon, or from the next start on.

    Raises:
        InputError: when it may not be; the sentence says why.
        LedgerError: when the ledger cannot be opened or written.

    """
    from engine.clock import SystemClock
    from engine.releases import ready, write_plan
    from engine.releases.canary import Tried, begin_here, part_of
    from engine.runtime.resolve import Person

    person = Person(by=by, reason=reason)
    part, rule = part_of(said)
    request: dict[str, Value] = {"plan": write_plan(plan).decode(), "part": write_json(said).decode()}
    if ask_daemon(ledger_url, "canary", {**request, "by": by, "reason": reason}) is None:
        begin_here(Tried(plan, part, rule, person), ready(plan), ledger_url, SystemClock())


def keep_shadow(said: dict[str, Value], by: str, ledger_url: str) -> None:
    """Keep in the audit what a release decided otherwise in the shadow of the active one.

    Raises:
        LedgerError: when the ledger cannot be opened or written.

    """
    from engine.clock import SystemClock
    from engine.ledger import Commit, instant
    from engine.releases import opened
    from engine.runtime.deployed import SHADOW, fact

    request: dict[str, Value] = {"by": by, "report": write_json(said).decode()}
    if ask_daemon(ledger_url, "shadow", request) is not None:
        return
    clock = SystemClock()
    with opened(ledger_url, clock) as ledger:
        ledger.commit(Commit(entries=[fact(instant(clock.now()), by, SHADOW, said)]))


def carry_out(plan: "ReleasePlan", ledger_url: str, by: str, reason: str) -> None:
    """Carry a plan out: by the daemon of the ledger, or here where none runs.

    Raises:
        InputError: when it may not be; the sentence says why.
        LedgerError: when the ledger cannot be opened or written.

    """
    from engine.clock import SystemClock
    from engine.releases import deploy_here, ready, write_plan
    from engine.runtime.resolve import Person

    person = Person(by=by, reason=reason)
    if plan.missing:
        raise InputError("the plan does not say what becomes of all that it touches; make it anew")
    request: dict[str, Value] = {"plan": write_plan(plan).decode(), "by": by, "reason": reason}
    did = ask_daemon(ledger_url, "deploy", request)
    if did is None:
        new = ready(plan)  # compiled before anything points at it
        moved = deploy_here(plan, new, person, ledger_url, SystemClock())
        output.line(f"release {plan.release[:12]} is active; `tidegate run --released` works by it.")
        for why, number in moved.stayed.items():
            output.line(f"{number:,} stay with the release that they began with: {why}")
        return
    was = cast("str | None", did["before"])
    output.line(f"release {plan.release[:12]} takes over from {'none' if was is None else was[:12]}.")
