"""`tidegate`: the group of commands, each imported when it is used.

`--help` lists the commands from the table here, so that it need not import what they need.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

import click

from engine import __version__
from engine.errors import TidegateError

# name -> (module, what it does in a few words)
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "init": ("engine.cli.init", "Make a workspace to start from."),
        "validate": ("engine.cli.validate", "Check every document of a workspace."),
        "explain": ("engine.cli.explain", "Explain the code of a problem."),
        "test": ("engine.cli.test", "Run the tests that stand beside flows."),
        "map": ("engine.cli.map", "Put a record through a mapping."),
        "repl": ("engine.cli.repl", "Try expressions on sample records, line by line."),
        "owners": ("engine.cli.owners", "Print which system owns which field."),
        "graph": ("engine.cli.graph", "Draw a flow, or the whole workspace."),
        "eval": ("engine.cli.eval", "Evaluate a path, a formula or a template."),
        "diff": ("engine.cli.diff", "Say what a change of documents would do."),
        "record": ("engine.cli.record", "Make a corpus for diff of what comes in."),
        "plan": ("engine.cli.plan", "Say what a change would touch on a ledger, and save it as a plan."),
        "approve": ("engine.cli.approve", "Approve a plan, so that it may be deployed."),
        "shadow": ("engine.cli.shadow", "Have a planned release decide what comes in, without effects."),
        "canary": ("engine.cli.canary", "Try a planned release on a part of what comes in."),
        "deploy": ("engine.cli.deploy", "Carry out a plan: its release takes over."),
        "rollback": ("engine.cli.rollback", "Go back to a release that was active before."),
        "releases": ("engine.cli.releases", "List what was deployed to a ledger."),
        "events": ("engine.cli.events", "Choose the events that come by everything."),
        "process": ("engine.cli.process", "Run the events of a file to rest."),
        "run": ("engine.cli.run", "Run flows until stopped: webhooks in, deliveries out."),
        "reload": ("engine.cli.reload", "Have the daemon go on with the workspace as it is now."),
        "status": ("engine.cli.status", "Tell whether a daemon runs, and what is open."),
        "sources": ("engine.cli.sources", "List what brings events in, and how far each has come."),
        "trace": (
            "engine.cli.trace",
            "Follow a record back to where it came from, and on to what it caused.",
        ),
        "holds": ("engine.cli.holds", "List what policies hold, and release or refuse it."),
        "alerts": ("engine.cli.alerts", "List who is told what, and take care of it."),
        "compensate": ("engine.cli.compensate", "Take back what a run wrote."),
        "keys": ("engine.cli.keys", "List the order keys that stand, and let others pass."),
        "dead": ("engine.cli.dead", "List what ended badly and needs work."),
        "look-up": ("engine.cli.look_up", "Ask a system whether it has an effect."),
        "replay": ("engine.cli.replay", "Work again what ended badly; say first what would come of it."),
        "backfill": (
            "engine.cli.backfill",
            "Take what a source says of past days, or have a flow work them.",
        ),
        "resolve": ("engine.cli.resolve", "Say what became of an effect in doubt."),
        "demo": ("engine.cli.demo", "Play a firm from the won deal to recognised revenue."),
        "simulate": ("engine.cli.simulate", "Start a simulator of a vendor's API."),
        "ledger": ("engine.cli.ledger", "Create, upgrade and verify a ledger."),
        "lsp": ("engine.cli.lsp", "Start the language server for editors."),
        "schema": ("engine.cli.schema", "Give the JSON Schemas of documents and of entities."),
    }
)


class _Commands(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        found = COMMANDS.get(cmd_name)
        return None if found is None else cast("click.Command", import_module(found[0]).command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            # Late: comparing names is only needed by those who mistype one.
            from engine.problems.suggest import did_you_mean

            near = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(" ".join([f"There is no command {args[0]!r}.", *near]), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tidegate")
def tidegate() -> None:
    """Rules and mappings between the systems of a professional-services firm."""


def main() -> None:
    """Run `tidegate`. Exit codes: 0 fine, 1 problems found or work failed, 2 wrong use."""
    try:
        tidegate.main(prog_name="tidegate", standalone_mode=True)
    except TidegateError as error:
        _say(f"tidegate: {error}")
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read our output has gone; that is their right, and no fault.
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder that may not be written: the world's doing, and said in its words.
        _say(f"tidegate: {error.filename or 'input or output'}: {error.strerror or error}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last door: a person is never shown a traceback
        _say(_own_fault(error))
        sys.exit(1)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _own_fault(error: Exception) -> str:
    """What to say of a bug of ours; the traceback goes to a file for whoever mends it."""
    import tempfile
    import traceback
    from pathlib import Path

    with tempfile.NamedTemporaryFile("w", prefix="tidegate-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return (
        f"tidegate: this is a fault of Tidegate itself ({type(error).__name__}: {error}).\n"
        f"  What is in the ledger is safe. Details: {Path(file.name)}"
    )
