"""`tidegate reload`."""

import click

from engine.cli import options, output
from engine.errors import InputError


@click.command("reload")
@options.ledger
def command(ledger_url: str) -> None:
    """Have the daemon of a ledger go on with its workspace as it is now.

    Runs that began go on with the release that they began with. When the workspace has problems, they are
    told, and the daemon goes on as before. SIGHUP does the same, and writes the problems to its log.
    """
    from engine.cli.control import ask_daemon
    from engine.ledger import is_shared

    if is_shared(ledger_url):
        raise InputError("each machine of a ledger on a server reloads by itself: send SIGHUP to its process")
    did = ask_daemon(ledger_url, "reload", {})
    if did is None:
        raise InputError("no daemon runs on this ledger; `tidegate run` begins with the workspace as it is")
    was, now = str(did["before"])[:12], str(did["release"])[:12]
    output.line(f"release {now} takes over from {was}, as soon as what is on its way has come back.")
