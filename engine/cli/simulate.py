"""`tidegate simulate`."""

import signal
import threading

import click

from engine.cli import options, output


@click.command("simulate")
@click.argument("name", required=False, metavar="[CONNECTOR]")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port; a free one when left out.")
@options.output_format()
def command(name: str | None, port: int, form: str) -> None:
    """Start the simulator of CONNECTOR on this machine, and run it until Ctrl-C.

    It keeps its records in memory and answers as the vendor's API does. Without a name, the connectors that
    have one are listed.
    """
    from engine.errors import InputError
    from engine.session import simulators

    known = simulators()
    if name is None:
        if form == "json":
            output.json([*known])
        else:
            output.line("\n".join(known))
        return
    if name not in known:
        raise InputError(_unknown(name, [*known]))
    try:
        simulator = known[name]()().start(port)
    except OSError as error:
        raise InputError(f"port {port} cannot be had: {error.strerror or error}") from error
    try:
        # Before anything is told: who reads the address may end us at once.
        stopped = _stop_asked()
        _tell(name, simulator.base_url, simulator.issue_token(TOKEN_SECONDS), form)
        while not stopped.wait(0.5):  # short, so that a signal is seen on every platform
            pass
    finally:
        simulator.stop()


TOKEN_SECONDS = 10 * 365 * 86_400


def _unknown(name: str, known: list[str]) -> str:
    from engine.problems.suggest import did_you_mean

    near = did_you_mean(name, known) or (f"There are: {', '.join(known)}.",)
    return " ".join([f"no simulator is called {name!r}.", *near])


def _tell(name: str, url: str, token: str, form: str) -> None:
    """Where it listens, and how a connection gets in: one with `simulated: true` needs nothing else."""
    if form == "json":
        output.json({"connector": name, "url": url, "token": token}, indent=False)
        return
    output.line(f"{name} listens on {url}")
    output.line(f"  bearer token: {token}")
    output.line(f"  for a connection with `simulated: true`: --simulator CONNECTION={url}")
    output.line("  Ctrl-C ends it; its records are gone then.")


def _stop_asked() -> threading.Event:
    """Set when a signal asks us to stop."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped
