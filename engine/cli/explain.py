"""`tidegate explain`."""

from dataclasses import asdict
from itertools import groupby

import click

from engine.cli import options, output


@click.command("explain")
@click.argument("code", required=False)
@options.output_format()
def command(code: str | None, form: str) -> None:
    """Explain the code of a problem: what it means, why, and what to write instead.

    Without a code, all codes are listed.
    """
    if code is None:
        _list(form)
    else:
        _explain(code, form)


def _list(form: str) -> None:
    from engine.problems.codes import CODES, RANGES

    if form == "json":
        output.json({"codes": [{"code": code, "title": title} for code, title in CODES.items()]})
        return
    for digit, codes in groupby(sorted(CODES), lambda code: code[2]):
        output.line(f"{RANGES[digit]} (TG{digit}xx)")
        for code in codes:
            output.line(f"  {code}  {CODES[code]}")
        output.line()
    output.line("tidegate explain CODE says what one means, why, and what to write instead.")


def _explain(code: str, form: str) -> None:
    from engine.errors import InputError
    from engine.problems.codes import CODES, explained, page
    from engine.problems.suggest import did_you_mean

    wanted = _number(code)
    found = explained(wanted)
    if found is None:
        near = did_you_mean(wanted, CODES) or ["`tidegate explain` lists all codes."]
        raise InputError(" ".join([f"there is no code {code!r}.", *near]))
    if form == "json":
        output.json(asdict(found))
    else:
        output.line((page(wanted) or "").rstrip("\n"))


def _number(code: str) -> str:
    """The code that is meant: `tg 204` and `204` are TG204."""
    plain = code.strip().upper().replace(" ", "").replace("-", "")
    return f"TG{plain}" if plain.isdigit() else plain
