"""A canary: beginning and ending the trial of a release, and finding the one that goes on."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from engine.clock import Clock
from engine.errors import InputError
from engine.ledger import Commit, LedgerReader, instant
from engine.ledger.rows import NewRelease, StillActive
from engine.plan.plan import Plan
from engine.releases.deploying import opened, pointer_refusals, unmet_demands
from engine.releases.plan import DEPLOY, ReleasePlan
from engine.runtime.deployed import CANARY, CANARY_STOP, deployed_in, fact, standing, to_stop
from engine.runtime.resolve import Following, Order, Person
from engine.runtime.trial import Part, Rule, Trial
from engine.session import Session, lacks, released
from engine.values.value import Value

if TYPE_CHECKING:
    from engine.runtime.execute import Executor


NOT_CONNECTED = (
    "which the active release does not have, and a canary works with the connections of the active release"
)


def refusals(plan: ReleasePlan, new: Session, now: Session, reader: LedgerReader) -> list[str]:
    """Why a plan may not be tried on a ledger, in sentences; nothing when it may. `now` is what is active."""
    found = [*pointer_refusals(plan, reader), *unmet_demands(plan, reader)]
    if plan.release == plan.base:
        found.append("it is the release that is active, so there is nothing to try")
    if plan.kind != DEPLOY:
        found.append("the plan goes back to a release; that is not tried, but done")
    if plan.base is None:
        found.append("no release is active that a part of the work could stay with")
    if deployed_in(reader).canary is not None:
        found.append("another release is on trial; stop it, or deploy it, before")
    for flow in new.ready.plan.flows.values():
        lacking = lacks(now, flow)
        found += [] if lacking is None else [f"its flow {flow.name} needs {lacking}, {NOT_CONNECTED}"]
    return found


def _unknown(part: Part, new: Session) -> list[str]:
    """The flows of a part that the release on trial does not have, so that nothing would be tried."""
    return [f"it has no flow {name!r}" for name in sorted(part.flows - new.ready.plan.flows.keys())]


class Tried(NamedTuple):
    """What is tried: by which plan, on which part of the work, until when, and who wants it."""

    plan: ReleasePlan
    part: Part
    rule: Rule
    who: Person


def write(commit: Commit, tried: Tried, at: str, after: int, basis: StillActive) -> None:
    """The rows by which a trial begins: at an instant, behind the run of this seq, on what was read."""
    plan, part, rule, who = tried
    detail: dict[str, Value] = {
        **plan.detail(who.reason),
        "after": after,
        "share": part.share,
        "fields": dict(part.fields),
        "flows": sorted(part.flows),
        "stop": dict(rule.limits),
        "stop_after": rule.after,
    }
    commit.still_active.append(basis)
    commit.releases.append(NewRelease(plan.release, at, "", plan.content))
    commit.entries.append(fact(at, who.by, CANARY, detail))


def order(tried: Tried, new: Session, now: Session) -> Order:
    """Begin a trial in a turn of a daemon, which works by it from the next event on."""

    def begun(executor: "Executor") -> Following:
        plan, part, rule, _ = tried
        basis = standing(executor.reader)
        require([*refusals(plan, new, now, executor.reader), *_unknown(part, new)])
        write(executor.commit_rows, tried, executor.at, executor.reader.last_run(), basis)
        executor.begin_trial(Trial(plan.hash, new.ready.plan, part, rule, {}))
        return Following()

    return begun


def begin_here(tried: Tried, new: Session, ledger_url: str, clock: Clock) -> None:
    """Begin a trial where no daemon runs, or beside the machines of a ledger on a server.

    Raises:
        InputError: when it may not begin.
        LedgerError: when the ledger cannot be opened or written.

    """
    with opened(ledger_url, clock) as ledger:
        reader = ledger.reader()
        commit, basis = Commit(), standing(reader)
        require([*refusals(tried.plan, new, released(reader), reader), *_unknown(tried.part, new)])
        write(commit, tried, instant(clock.now()), reader.last_run(), basis)
        ledger.commit(commit)


def require(why: list[str]) -> None:
    """Refuse when there is a reason.

    Raises:
        InputError: when there is.

    """
    if why:
        raise InputError("the release is not tried: " + "; ".join(why))


def stop_here(who: Person, ledger_url: str, clock: Clock) -> None:
    """End the trial that goes on, where no daemon runs, or beside machines.

    Raises:
        InputError: when there is none.
        LedgerError: when the ledger cannot be opened or written.

    """
    with opened(ledger_url, clock) as ledger:
        reader = ledger.reader()
        basis, said = standing(reader), to_stop(reader, who)
        entries = [fact(instant(clock.now()), who.by, CANARY_STOP, said)]
        ledger.commit(Commit(still_active=[basis], entries=entries))


def going_on(reader: LedgerReader, plans: Callable[[str], Plan]) -> Trial | None:
    """The trial that goes on, as far as it has come."""
    canary = deployed_in(reader).canary
    if canary is None:
        return None
    release = str(canary["release"])
    part, rule = part_of(canary)
    known = reader.runs_on(release, cast("int", canary["after"]))
    return Trial(str(canary["plan"]), plans(release), part, rule, known)


def part_of(said: Mapping[str, Value]) -> tuple[Part, Rule]:
    """What is on trial, and the rule that ends it, as they were written down.

    Raises:
        InputError: when they are none.

    """
    try:
        part = Part(
            share=cast("int", said["share"]),
            fields=cast("dict[str, str]", said["fields"]),
            flows=frozenset(cast("list[str]", said["flows"])),
        )
        rule = Rule(limits=cast("dict[str, int]", said["stop"]), after=cast("int", said["stop_after"]))
    except (KeyError, TypeError) as error:
        raise InputError("this does not say what is to be tried") from error
    return part, rule


def rested_on(reader: LedgerReader, canary: Mapping[str, Value]) -> dict[str, Value]:
    """How many runs on trial there are so far, by status."""
    known = reader.runs_on(str(canary["release"]), cast("int", canary["after"]))
    return dict(sorted(Counter(known.values()).items()))
