"""What must be so at the end, held against the systems and against the ledger. Each is a function of both."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias, cast

from engine.demo import words
from engine.demo.books import Books
from engine.demo.firm import Firm, Hours
from engine.demo.lineage import lineage
from engine.demo.stage import Stage
from engine.demo.story import Expectation
from engine.demo.world import CONTRACT, ENGAGEMENT
from engine.ledger.chain import verify_chain
from engine.ledger.rows import EffectRow
from engine.values.json_text import read_json

Record: TypeAlias = Mapping[str, Any]
CENT = Decimal("0.01")
MILESTONES: Mapping[str, Decimal] = {"M1": Decimal(60_000), "M2": Decimal(126_000)}


@dataclass(slots=True)
class Remembered:
    """What was seen on the way, to be held against the end."""

    hours: dict[str, Hours] = field(default_factory=dict)  # approved, by the number of the entry
    open_in_outage: int = 0
    tries_in_outage: int = 0
    invoices_while_held: int = -1
    state_while_held: str = ""
    changes_before_storm: Mapping[str, int] = field(default_factory=dict)
    effects_before_storm: int = -1
    storm: int = 0  # repeats that came in
    storm_accepted: int = -1

    def note(self, firm: Firm, books: Books, stage: Stage) -> None:
        """Count what was done before the storm."""
        self.changes_before_storm = counted(firm, books)
        self.effects_before_storm = len(effects(stage))


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to look at."""

    firm: Firm
    books: Books
    stage: Stage
    remembered: Remembered


def counted(firm: Firm, books: Books) -> dict[str, int]:
    """How many changes each system has made so far."""
    found = {name: len(system.journal.writes) for name, system in firm.systems.items()}
    return {**found, "erp": books.changes()}


def effects(stage: Stage, *operations: str) -> list[EffectRow]:
    """Every write that the ledger knows, or those of some operations (`erp.time_bill`)."""
    found: list[EffectRow] = []
    for event in stage.reader.events():
        for run in stage.reader.runs_of_event(event.id):
            found.extend(stage.reader.effects(run.id))
    return [row for row in found if not operations or f"{row.connection}.{row.operation}" in operations]


Judge: TypeAlias = Callable[[Found], Expectation]


def judge(found: Found) -> list[Expectation]:
    """Every expectation, in the order of the story."""
    return [each(found) for each in EXPECTATIONS]


def _is(text: str, found: object, wanted: object, shown: str) -> Expectation:
    held = found == wanted
    return Expectation(text=text, held=held, found=shown if held else f"{found}, and not {wanted}")


def _worth(found: Found, hours: Hours) -> Decimal:
    return (found.firm.world.rates[hours.worker] * hours.minutes / 60).quantize(CENT)


def _total(found: Found) -> Decimal:
    return sum((_worth(found, hours) for hours in found.remembered.hours.values()), Decimal(0))


def _set_up_once(found: Found) -> Expectation:
    made, wanted = found.books.set_up()
    psa = found.firm.psa.tables
    return _is(
        "The won deal made its customer, its projects and its contract once in each system",
        (made, len(psa["workspaces"]), len(psa["stories"]), len(found.firm.revrec.contracts)),
        (wanted, 1, 3, 1),
        "each once",
    )


def _one_number(found: Found) -> Expectation:
    numbers = {row.system: row.external_id for row in found.stage.reader.xrefs("project", ENGAGEMENT)}
    return _is(
        f"{ENGAGEMENT} leads to the project in every system",
        numbers,
        {"erp": found.books.project(), "psa": found.firm.project},
        f"ERP {numbers.get('erp')}, PSA {numbers.get('psa')}",
    )


def _time_once(found: Found) -> Expectation:
    booked = Counter(line.key for line in found.books.time())
    told = [row for row in effects(found.stage, "erp.time_bill", "erp.record_time") if row.status == "done"]
    wanted = Counter(list(found.remembered.hours))
    return _is(
        "Every approved entry is one line in the ERP and one posting in the ledger",
        (booked, len(told)),
        (wanted, len(wanted)),
        f"{len(wanted)} approved, {booked.total()} in the ERP, {len(told)} in the ledger",
    )


def _time_amounts(found: Found) -> Expectation:
    hours = found.remembered.hours
    minutes = {line.key: line.minutes for line in found.books.time()}
    amounts = {
        str(entry["source"]["id"]): Decimal(str(entry["amount"]))
        for entry in found.firm.revrec.entries
        if entry["source"]["type"] == "time_entry"
    }
    return _is(
        "Hours and amounts are right to the cent",
        (minutes, amounts),
        (
            {key: each.minutes for key, each in hours.items()},
            {key: _worth(found, each) for key, each in hours.items()},
        ),
        words.amount(_total(found), found.firm.world.currency),
    )


def _cycles(found: Found) -> Expectation:
    cycles = [line.cycle for line in found.books.time()]
    wanted = ["2026-W22"] * (len(found.remembered.hours) - 1) + ["2026-W23"]
    return _is(
        "Time approved after the cutoff is billed in the next cycle, all other time in its own",
        cycles,
        wanted,
        f"{len(cycles) - 1} in 2026-W22, 1 in 2026-W23",
    )


def _outage(found: Found) -> Expectation:
    in_order = [line.key for line in found.books.time()] == list(found.remembered.hours)
    return _is(
        "What was approved while a system was away waited, and was posted in order when it came back",
        (found.remembered.open_in_outage, found.remembered.tries_in_outage > 0, in_order),
        (2, True, True),
        "2 waited, none lost, none twice",
    )


def _delivery_moved(found: Found) -> Expectation:
    story, seen = found.firm.story_record("M2"), found.remembered
    return _is(
        "The milestone without its amendment moved on in delivery at once, and nothing was invoiced",
        (seen.state_while_held, seen.invoices_while_held, story["state"], story["percentage_complete"]),
        ("accepted,scope-change", 1, "completed", 100),
        "completed in the PSA; no invoice before the amendment",
    )


def _alerted(found: Found) -> Expectation:
    told = [row.to for row in found.stage.reader.alerts() if row.policy == "amendment-on-file"]
    return _is("Finance operations was told of the hold, once", told, ["finance-operations"], "told once")


def _released(found: Found) -> Expectation:
    holds = [row for row in found.stage.reader.holds() if row.policy == "amendment-on-file"]
    return _is(
        "The hold was ended by the amendment and by nobody's hand",
        [(row.status, (row.release_event or "").partition(":")[0]) for row in holds],
        [("released", "contract.amended")],
        "released by contract.amended",
    )


def _long_day(found: Found) -> Expectation:
    told = [row.to for row in found.stage.reader.alerts() if row.policy == "long-day"]
    return _is(
        "The day of 13 hours was billed, and delivery was told", told, ["delivery-operations"], "told once"
    )


def _invoices(found: Found) -> Expectation:
    invoices = sorted(found.books.invoices())
    told = Counter(row.status for row in effects(found.stage, "erp.save_invoice", "erp.invoice_project"))
    amounts = [words.amount(amount, found.firm.world.currency) for _, amount in invoices]
    return _is(
        "Both milestones are invoiced once; the second at its amended price",
        (invoices, told),
        ([(f"{ENGAGEMENT}-{code}", amount) for code, amount in MILESTONES.items()], Counter({"done": 2})),
        words.listed(amounts),
    )


def _revenue(found: Found) -> Expectation:
    entries = [Decimal(str(entry["amount"])) for entry in found.firm.revrec.entries]
    known = [
        Decimal(str(cast("Record", read_json(event.body))["amount"]["amount"]))
        for event in found.stage.reader.events(event_type="revenue.recognised")
    ]
    wanted = _total(found) + sum(MILESTONES.values())
    count = len(found.remembered.hours) + len(MILESTONES)
    return _is(
        "Recognised revenue equals time billed plus milestones invoiced, entry for entry in the ledger",
        (sum(entries, Decimal(0)), sum(known, Decimal(0)), len(entries), len(known)),
        (wanted, wanted, count, count),
        f"{words.amount(wanted, found.firm.world.currency)} in {count} entries",
    )


def _moves(found: Found) -> Expectation:
    keys = Counter(key for key, _ in found.books.entries())
    told = Counter(
        str(cast("Record", read_json(row.payload))["external_id"])
        for row in effects(found.stage, "erp.post_entry")
    )
    total = sum((amount for _, amount in found.books.entries()), Decimal(0))
    wanted = _total(found) if told else Decimal(0)
    shown = f"{keys.total()} entries, {words.amount(total, found.firm.world.currency)}"
    return _is(
        "Revenue that the ERP keeps in its general ledger is posted there once",
        (keys, total),
        (told, wanted),
        shown if told else "none: the revenue engine keeps it",
    )


def _contract(found: Found) -> Expectation:
    contract = found.firm.revrec.contracts.find("contractNumber", CONTRACT)
    total, wanted = found.books.amended()
    return _is(
        "The amendment reached the ERP and the revenue engine",
        (contract["version"], Decimal(str(contract["transactionPrice"])), total),
        (2, Decimal(186_000), wanted),
        f"{words.amount(total, found.firm.world.currency)}, version 2",
    )


def _traced(found: Found) -> Expectation:
    told = lineage(found.stage.reader, found.firm.world)
    wanted = (
        "Revenue entry",
        "Revenue engine",
        "Policy",
        "Kantata time entry",
        "Salesforce contract",
        "Salesforce deal",
    )
    missing = [begins for begins in wanted if not any(line.startswith(begins) for line in told)]
    return _is(
        "A revenue entry leads back to the hour, its approval, the policy, the contract and the deal",
        missing,
        [],
        f"{len(told)} steps",
    )


def _storm(found: Found) -> Expectation:
    seen = found.remembered
    return _is(
        "The storm of repeats changed nothing in any system",
        (seen.storm_accepted, len(effects(found.stage)), counted(found.firm, found.books)),
        (0, seen.effects_before_storm, seen.changes_before_storm),
        f"{seen.storm} repeats, all known, no posting",
    )


def _at_rest(found: Found) -> Expectation:
    counts = found.stage.reader.counts()
    left = {
        "open": len(found.stage.reader.open_runs()),
        "failed": counts["runs"].get("failed", 0),
        "dead": counts["effects"].get("dead", 0),
        "unusable": len(found.stage.complaints),
    }
    done = counts["effects"].get("done", 0)
    return _is(
        "Nothing is left open, nothing failed, nothing was given up",
        left,
        dict.fromkeys(left, 0),
        f"{done} postings, all confirmed",
    )


def _chain(found: Found) -> Expectation:
    breaks = verify_chain(found.stage.reader)
    return _is("The evidence in the ledger is unbroken", len(breaks), 0, "hash chain verified")


EXPECTATIONS: tuple[Judge, ...] = (
    _set_up_once,
    _one_number,
    _time_once,
    _time_amounts,
    _cycles,
    _long_day,
    _outage,
    _delivery_moved,
    _alerted,
    _released,
    _contract,
    _invoices,
    _revenue,
    _moves,
    _traced,
    _storm,
    _at_rest,
    _chain,
)
