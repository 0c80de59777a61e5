"""What must be so at the end, held against the systems and against the ledger. Each is a function of both."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias, cast

from engine.demo import words
from engine.demo.firm import CLIENT, CONTRACT, CURRENCY, ENGAGEMENT, Firm, Hours
from engine.demo.lineage import lineage
from engine.demo.sentences import minutes, worth
from engine.demo.stage import Stage
from engine.demo.story import Expectation
from engine.ledger.chain import verify_chain
from engine.ledger.rows import EffectRow
from engine.values.json_text import read_json

Record: TypeAlias = Mapping[str, Any]
CENT = Decimal("0.01")
RATES: Mapping[str, Decimal] = {"EMP-001": Decimal(210), "EMP-002": Decimal(170)}
MILESTONES: Mapping[str, Decimal] = {"M1": Decimal(60_000), "M2": Decimal(126_000)}


@dataclass(slots=True)
class Remembered:
    """What was seen on the way, to be held against the end."""

    hours: dict[str, Hours] = field(default_factory=dict)  # approved, by the number of the entry
    open_in_outage: int = 0
    invoices_while_held: int = -1
    state_while_held: str = ""
    writes_before_storm: Mapping[str, int] = field(default_factory=dict)
    effects_before_storm: int = -1
    storm: int = 0  # repeats that came in
    storm_accepted: int = -1

    def note(self, firm: Firm, stage: Stage) -> None:
        """Count what was done before the storm."""
        self.writes_before_storm = counted(firm)
        self.effects_before_storm = len(effects(stage))


def counted(firm: Firm) -> dict[str, int]:
    """How many changes each system has made so far."""
    return {name: len(system.journal.writes) for name, system in firm.systems.items()}


def effects(stage: Stage, operation: str = "") -> list[EffectRow]:
    """Every write that the ledger knows, or those of one operation (`erp.time_bill`)."""
    found: list[EffectRow] = []
    for event in stage.reader.events():
        for run in stage.reader.runs_of_event(event.id):
            found.extend(stage.reader.effects(run.id))
    return [row for row in found if operation in ("", f"{row.connection}.{row.operation}")]


Judge: TypeAlias = Callable[[Firm, Stage, Remembered], Expectation]


def judge(firm: Firm, stage: Stage, remembered: Remembered) -> list[Expectation]:
    """Every expectation, in the order of the story."""
    return [each(firm, stage, remembered) for each in EXPECTATIONS]


def _is(text: str, found: object, wanted: object, shown: str = "") -> Expectation:
    held = found == wanted
    return Expectation(text=text, held=held, found=shown if held and shown else str(found))


def _set_up_once(firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    erp = {kind: len(firm.erp.journal.applied(kind, "created")) for kind in ("customer", "job", "salesOrder")}
    there = (
        firm.erp.tables["customer"].find("externalId", CLIENT) is not None
        and firm.erp.tables["job"].find("externalId", ENGAGEMENT) is not None
        and firm.revrec.contracts.find("contractNumber", CONTRACT) is not None
    )
    made = (*erp.values(), len(firm.psa.tables["workspaces"]), len(firm.psa.tables["stories"]), there)
    del stage
    return _is(
        "The won deal made one customer, one project in the ERP and the PSA, and one contract",
        made,
        (1, 1, 1, 1, 3, True),
        "each once",
    )


def _one_number(firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    numbers = {row.system: row.external_id for row in stage.reader.xrefs("project", ENGAGEMENT)}
    erp = firm.erp.tables["job"].find("externalId", ENGAGEMENT)
    return _is(
        f"{ENGAGEMENT} leads to the project in every system",
        numbers,
        {"erp": erp["id"] if erp else None, "psa": firm.project},
        f"ERP {numbers.get('erp')}, PSA {numbers.get('psa')}",
    )


def _time_once(firm: Firm, stage: Stage, remembered: Remembered) -> Expectation:
    bills = [str(row.values["externalId"]) for row in firm.erp.journal.applied("timeBill", "created")]
    told = [
        str(cast("Record", read_json(row.payload))["externalId"]) for row in effects(stage, "erp.time_bill")
    ]
    wanted = Counter(f"KT-{entry}" for entry in remembered.hours)
    return _is(
        "Every approved entry is one time bill in the ERP and one posting in the ledger",
        (Counter(bills), Counter(told)),
        (wanted, wanted),
        f"{len(bills)} approved, {len(bills)} billed, {len(told)} in the ledger",
    )


def _time_amounts(firm: Firm, _: Stage, remembered: Remembered) -> Expectation:
    wanted = {
        f"KT-{entry}": (hours.minutes, (RATES[hours.worker] * hours.minutes / 60).quantize(CENT))
        for entry, hours in remembered.hours.items()
    }
    found = {
        str(bill["externalId"]): (minutes(bill["hours"]), worth(bill)) for bill in firm.erp.tables["timeBill"]
    }
    total = sum((amount for _, amount in found.values()), Decimal(0))
    return _is("Hours and amounts are right to the cent", found, wanted, words.amount(total, CURRENCY))


def _cycles(firm: Firm, _: Stage, remembered: Remembered) -> Expectation:
    found = [str(bill["custcol_billing_cycle"]) for bill in firm.erp.tables["timeBill"]]
    wanted = ["2026-W22"] * (len(remembered.hours) - 1) + ["2026-W23"]
    return _is(
        "Time approved after the cutoff is billed in the next cycle, all other time in its own",
        found,
        wanted,
        f"{len(found) - 1} in 2026-W22, 1 in 2026-W23",
    )


def _outage(firm: Firm, stage: Stage, remembered: Remembered) -> Expectation:
    created = [str(row.values["externalId"]) for row in firm.erp.journal.applied("timeBill", "created")]
    retried = [row for row in effects(stage, "erp.time_bill") if row.attempts > 1]
    in_order = created == [f"KT-{entry}" for entry in remembered.hours]
    return _is(
        "What was approved while the ERP was away waited, and was posted in order when it came back",
        (remembered.open_in_outage, len(retried) > 0, in_order),
        (2, True, True),
        "2 waited, none lost, none twice",
    )


def _delivery_moved(firm: Firm, _: Stage, remembered: Remembered) -> Expectation:
    story = firm.story_record("M2")
    return _is(
        "The milestone without its amendment moved on in delivery at once, and nothing was invoiced",
        (
            remembered.state_while_held,
            remembered.invoices_while_held,
            story["state"],
            story["percentage_complete"],
        ),
        ("accepted,scope-change", 1, "completed", 100),
        "completed in the PSA; no invoice before the amendment",
    )


def _alerted(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    told = [row for row in stage.reader.alerts() if row.policy == "amendment-on-file"]
    return _is(
        "Finance operations was told of the hold, once",
        [row.to for row in told],
        ["finance-operations"],
        "told once",
    )


def _released(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    holds = [row for row in stage.reader.holds() if row.policy == "amendment-on-file"]
    found = [(row.status, (row.release_event or "").partition(":")[0]) for row in holds]
    return _is(
        "The hold was ended by the amendment and by nobody's hand",
        found,
        [("released", "contract.amended")],
        "released by contract.amended",
    )


def _long_day(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    told = [row.to for row in stage.reader.alerts() if row.policy == "long-day"]
    return _is(
        "The day of 13 hours was billed, and delivery was told", told, ["delivery-operations"], "told once"
    )


def _invoices(firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    created = [row.values for row in firm.erp.journal.applied("invoice", "created")]
    found = {str(row["externalId"]): Decimal(str(row["total"])) for row in firm.erp.tables["invoice"]}
    wanted = {f"{ENGAGEMENT}-{code}": amount for code, amount in MILESTONES.items()}
    told = Counter(row.status for row in effects(stage, "erp.save_invoice"))
    return _is(
        "Both milestones are invoiced once; the second at its amended price",
        (len(created), told, found),
        (len(wanted), Counter({"done": len(wanted)}), wanted),
        words.listed([words.amount(amount, CURRENCY) for amount in found.values()]),
    )


def _revenue(firm: Firm, stage: Stage, remembered: Remembered) -> Expectation:
    recognised = sum((Decimal(str(entry["amount"])) for entry in firm.revrec.entries), Decimal(0))
    hours = sum((worth(bill) for bill in firm.erp.tables["timeBill"]), Decimal(0))
    invoiced = sum((Decimal(str(row["total"])) for row in firm.erp.tables["invoice"]), Decimal(0))
    known = [
        Decimal(str(cast("Record", read_json(event.body))["amount"]["amount"]))
        for event in stage.reader.events(event_type="revenue.recognised")
    ]
    count = len(remembered.hours) + len(MILESTONES)
    return _is(
        "Recognised revenue equals time billed plus milestones invoiced, entry for entry in the ledger",
        (recognised, len(known), sum(known, Decimal(0))),
        (hours + invoiced, count, hours + invoiced),
        f"{words.amount(recognised, CURRENCY)} in {count} entries",
    )


def _contract(firm: Firm, _: Stage, __: Remembered) -> Expectation:
    contract = firm.revrec.contracts.find("contractNumber", CONTRACT)
    order = firm.erp.tables["salesOrder"].find("externalId", CONTRACT)
    total = sum((Decimal(str(line["amount"])) for line in order["item"]["items"]), Decimal(0))
    return _is(
        "The amendment reached the contract in the ERP and in the revenue engine",
        (contract["version"], Decimal(str(contract["transactionPrice"])), total),
        (2, Decimal(186_000), Decimal(258_000)),
        f"{words.amount(total, CURRENCY)}, version 2",
    )


def _traced(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    told = lineage(stage.reader)
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


def _storm(firm: Firm, stage: Stage, remembered: Remembered) -> Expectation:
    found = (remembered.storm_accepted, len(effects(stage)), counted(firm))
    wanted = (0, remembered.effects_before_storm, remembered.writes_before_storm)
    return _is(
        "The storm of repeats changed nothing in any system",
        found,
        wanted,
        f"{remembered.storm} repeats, all known, no posting",
    )


def _at_rest(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    counts = stage.reader.counts()
    left = {
        "open": len(stage.reader.open_runs()),
        "failed": counts["runs"].get("failed", 0),
        "dead": counts["effects"].get("dead", 0),
        "complaints": len(stage.complaints),
    }
    done = counts["effects"].get("done", 0)
    return _is(
        "Nothing is left open, nothing failed, nothing was given up",
        left,
        dict.fromkeys(left, 0),
        f"{done} postings, all confirmed",
    )


def _chain(_firm: Firm, stage: Stage, _: Remembered) -> Expectation:
    breaks = verify_chain(stage.reader)
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
    _traced,
    _storm,
    _at_rest,
    _chain,
)


def broken(expectations: list[Expectation]) -> Iterator[Expectation]:
    """Those that did not hold."""
    return (expectation for expectation in expectations if not expectation.held)
