"""`tidegate holds`."""

import getpass
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

import click

from engine.cli import control, options, output
from engine.values.actors import ENGINE
from engine.values.value import Value

F = TypeVar("F", bound=Callable[..., Any])

_AGE = re.compile(r"([0-9]{1,6})\s?(min|h|d|w)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")


@click.group("holds", cls=options.Listing)
def command() -> None:
    """List what policies hold, and release or refuse it. An approval is a hold that a person ends.

    Without a subcommand it lists, with the options of `list`.
    """


def _older(context: click.Context, option: click.Parameter, given: str | None) -> timedelta | None:
    del context, option
    found = None if given is None else _AGE.fullmatch(given)
    if given is not None and found is None:
        raise click.BadParameter(f"is written like 4h, 2d or 1w, not {given!r}")
    return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})


def _over(context: click.Context, option: click.Parameter, given: str | None) -> tuple[Decimal, str] | None:
    del context, option
    found = None if given is None else _AMOUNT.fullmatch(given)
    if given is not None and found is None:
        raise click.BadParameter(f"is written like '5000 EUR', not {given!r}")
    return None if found is None else (Decimal(found[1]), found[2])


def _filters(command_: F) -> F:
    """The options that say which holds are meant."""
    for option in (
        click.option("--key", help="Only those of runs with this order key."),
        click.option(
            "--over", metavar="AMOUNT", callback=_over, help="Only those with more at stake: '5000 EUR'."
        ),
        click.option("--older", metavar="AGE", callback=_older, help="Only those open so long: 4h, 2d, 1w."),
        click.option("--policy", help="Only those of this policy."),
        click.option("--owner", help="Only those of this owner."),
        click.option("--kind", type=click.Choice(["hold", "approval"]), help="Only these."),
        click.option("--all", "all_", is_flag=True, help="Those that have ended as well."),
        options.output_format(),
        options.ledger,
    ):
        command_ = option(command_)
    return command_


@command.command("list")
@_filters
def list_(ledger_url: str, form: str, *, all_: bool, **wanted: object) -> None:
    """List what is held: since when, by which policy, why, what is at stake, and who may end it."""
    found = _found(ledger_url, all_=all_, **wanted)
    if form == "json":
        output.json(found)
        return
    for hold in found:
        _show(hold)
    output.line(f"{len(found)} {'' if all_ else 'open '}hold{'' if len(found) == 1 else 's'}.")


@command.command("totals")
@_filters
def totals(ledger_url: str, form: str, *, all_: bool, **wanted: object) -> None:
    """Tell how much is at stake, by owner and currency, and since when the oldest hold is open."""
    from engine.insight.holds import totals as added

    found = added(_found(ledger_url, all_=all_, **wanted))
    if form == "json":
        output.json(found)
        return
    for one in found:
        many = f"{one['holds']} hold{'' if one['holds'] == 1 else 's'}"
        stake = f", {one['amount']} {one['currency']}" if one["currency"] else ""
        output.line(f"{one['owner'] or 'nobody'}: {many}{stake}, since {one['oldest']}")
    if not found:
        output.line("nothing is held.")


def _found(ledger_url: str, **wanted: object) -> list[dict[str, Value]]:
    from engine.clock import SystemClock
    from engine.insight.holds import Wanted, described_holds
    from engine.ledger import open_reader

    asked = cast("dict[str, Any]", {"all" if name == "all_" else name: one for name, one in wanted.items()})
    reader = open_reader(ledger_url)
    try:
        return described_holds(reader, Wanted(**asked), SystemClock().now())
    finally:
        reader.close()


def _show(hold: Mapping[str, Value]) -> None:
    output.raw(output.styled(output.clean(str(hold["id"])), bold=True))
    kind = "" if hold["kind"] == "hold" else "approval, "
    output.line(
        f"  {kind}{hold['policy']} (owner {hold['owner'] or 'nobody'}), "
        f"since {hold['opened_at']} ({hold['age']})"
    )
    output.line(f"  {hold['reason']}")
    if isinstance(hold["amount"], Mapping):
        over = f"; above {hold['four_eyes_over']} two people agree" if hold["four_eyes_over"] else ""
        output.line(f"  at stake: {hold['amount']['amount']} {hold['amount']['currency']}{over}")
    output.line(f"  {_how_it_ends(hold)}")


def _how_it_ends(hold: Mapping[str, Value]) -> str:
    """How a hold ended, or what ends it."""
    if hold["status"] == "open":
        return f"released by {hold['release']}"
    if hold["status"] == "proposed":
        return f"its release is proposed, and a second person has to agree; released by {hold['release']}"
    by = hold["released_by"] or ENGINE
    code = f" ({hold['refusal_code']})" if hold["refusal_code"] else ""
    return f"{hold['status']} by {by}{code}: {hold['release_reason']}"


@command.command("show")
@click.argument("hold_id")
@options.ledger
@options.output_format()
def show(hold_id: str, ledger_url: str, form: str) -> None:
    """Show all that is known of the hold HOLD_ID: by which facts, what happened, what will, what waits."""
    from engine.clock import SystemClock
    from engine.insight.holds import described_hold
    from engine.ledger import open_reader

    reader = open_reader(ledger_url)
    try:
        found = described_hold(reader, hold_id, SystemClock().now())
    finally:
        reader.close()
    if found is None:
        output.fail(f"there is no hold {hold_id!r}")
    if form == "json":
        output.json(found)
        return
    _show(found)
    _show_more(found)


def _show_more(hold: Mapping[str, Value]) -> None:
    output.line(f"  run {hold['run']}, step {hold['step']}")
    from engine.values.json_text import write_json

    facts = hold["facts"]
    for name, value in facts.items() if isinstance(facts, Mapping) else ():
        output.line(f"  {name} = {write_json(value).decode()}")
    for timer in cast("list[Mapping[str, Value]]", hold["timers"]):
        to = f"; {timer['to']} is told" if timer["to"] else ""
        output.line(f"  after {timer['after']}, at {timer['at']}: {timer['does']}{to}")
    for step in cast("list[Mapping[str, Value]]", hold["history"]):
        output.line(
            f"  {step['at']}  {step['who']}: {step['did']}" + (f", {step['why']}" if step["why"] else "")
        )
    if hold["waiting_behind"]:
        output.line(f"  {hold['waiting_behind']} wait behind it under the order key {hold['order_key']}")


def _person(command_: F) -> F:
    """The options that say who does it, and in which role."""
    for option in (
        control.acting,
        click.option("--role", help="The role in which you act; needed where the policy names one."),
        click.option("--by", default=getpass.getuser, show_default="you", help="Who does it."),
    ):
        command_ = cast("F", option(command_))
    return command_


@command.command("release")
@click.argument("hold_id")
@click.option("--reason", help="Why; it is kept in the audit.")
@click.option("--second", metavar="PERSON", help="Who else agrees, where the policy asks for two people.")
@_person
def release(
    hold_id: str, reason: str | None, second: str | None, by: str, role: str | None, opening: control.Opening
) -> None:
    """Release the hold HOLD_ID, or approve what waits for approval, and carry out what waited for it.

    The role, the reason and the second person that its policy asks for have to be given; who they were and
    why they did it is kept in the audit. Two people who are not together `propose` and `agree`. On one
    machine people are taken at their word. Where a daemon runs on the ledger, it is told, and carries out
    what waited.
    """
    request = {"hold": hold_id, "by": by, "reason": reason, "role": role, "second": second}
    control.act("release", request, opening)
    output.line(f"{hold_id} is released.")


@command.command("propose")
@click.argument("hold_id")
@click.option("--reason", help="Why; it is kept in the audit.")
@_person
def propose(hold_id: str, reason: str | None, by: str, role: str | None, opening: control.Opening) -> None:
    """Propose to release the hold HOLD_ID, so that a second person can agree later.

    What was proposed lapses when the hold is checked again in the meantime.
    """
    control.act("propose", {"hold": hold_id, "by": by, "reason": reason, "role": role}, opening)
    output.line(f"the release of {hold_id} is proposed; a second person has to agree.")


@command.command("agree")
@click.argument("hold_id")
@_person
def agree(hold_id: str, by: str, role: str | None, opening: control.Opening) -> None:
    """Agree with the proposed release of the hold HOLD_ID, and carry out what waited for it."""
    control.act("agree", {"hold": hold_id, "by": by, "role": role}, opening)
    output.line(f"{hold_id} is released.")


@command.command("refuse")
@click.argument("hold_id")
@click.option("--reason", required=True, help="Why; it is kept in the audit, and shown with the run.")
@click.option("--code", default="refused", show_default=True, help="A short business code for it.")
@_person
def refuse(hold_id: str, reason: str, code: str, by: str, role: str | None, opening: control.Opening) -> None:
    """Refuse what the hold HOLD_ID keeps waiting: its step is rejected, with all that depends on it."""
    request: dict[str, Value] = {"hold": hold_id, "by": by, "reason": reason, "role": role, "code": code}
    control.act("refuse", request, opening)
    output.line(f"{hold_id} is refused.")
