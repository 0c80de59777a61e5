"""What `tidegate record` and `tidegate ledger export` share: a corpus is written, redacted or not."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli import options, output
from engine.errors import InputError
from engine.values.json_text import write_json

if TYPE_CHECKING:
    from engine.ledger import LedgerReader
    from engine.ledger.rows import EventRow
    from engine.preview.corpus import Personal, Proof, Pseudonyms
    from engine.preview.recorded import RecordedEvent
    from engine.runtime.recover import Recovery
    from engine.session import Session

NEW_KEY = 32  # bytes

OUTPUT = click.option(
    "--output",
    "-o",
    "out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the corpus here, one event a line.",
)
TAKEN = (
    click.option("--from", "since", type=options.Instant(), help="Only those accepted then or later."),
    click.option("--to", "until", type=options.Instant(), help="Only those accepted before this instant."),
    click.option("--count", type=click.IntRange(1), help="So many events at most."),
)
REDACTING = (
    click.option(
        "--key-file",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="TIDEGATE_PSEUDONYM_KEY",
        help="The file with the secret key of the pseudonyms: the same key gives the same pseudonyms.",
    ),
    click.option("--new-key", is_flag=True, help="Make that file, if it is not there."),
    click.option(
        "--hide",
        multiple=True,
        metavar="FIELD",
        help="This field is personal too. May be given several times.",
    ),
    click.option("--keep", multiple=True, metavar="FIELD", help="This field is not, whatever it is called."),
)


class Redaction(NamedTuple):
    """What makes pseudonyms of personal data, and the proof that nothing else comes of it."""

    personal: "Personal"
    pseudonyms: "Pseudonyms"
    proof: "Proof"


def redaction(session: "Session", redacting: dict[str, Any]) -> Redaction:
    """What the options ask for.

    Raises:
        InputError: when there is no key, or it is too short.

    """
    from engine.preview.corpus import Proof, Pseudonyms
    from engine.revisions import personal_in, release_of

    pseudonyms = Pseudonyms(_key(redacting["key_file"], is_new=redacting["new_key"]))
    personal = personal_in(session, redacting["hide"], redacting["keep"])
    return Redaction(personal, pseudonyms, Proof(release_of(session).side))


def _key(file: Path | None, *, is_new: bool) -> bytes:
    if file is None:
        raise InputError(
            "pseudonyms need a secret key, so that nobody finds out by trying who is meant: name a file with "
            "`--key-file`, and let `--new-key` make it"
        )
    if is_new and not file.exists():
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as made:
            made.write(f"{secrets.token_hex(NEW_KEY)}\n")
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise InputError(f"the key {file} cannot be read: {error.strerror}; `--new-key` makes one") from error


@contextmanager
def corpus_file(path: Path) -> Iterator[IO[bytes]]:
    """The file to be written, which only its owner may read.

    Raises:
        InputError: when it cannot be written.

    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        if path.is_file():
            os.fchmod(handle, 0o600)  # it may have been there, for all to read
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "wb") as file:
        yield file


class LeftOut:
    """Counts the events of which something was pruned, so that nothing can be decided by them again."""

    def __init__(self) -> None:
        """None so far."""
        self._seqs: set[int] = set()  # who follows what comes in meets the last of them again

    def __call__(self, row: "EventRow") -> None:
        """Count an event."""
        self._seqs.add(row.seq)

    @property
    def events(self) -> int:
        """How many there were."""
        return len(self._seqs)

    def tell(self) -> None:
        """Say on standard error how many there were, if any."""
        if self._seqs:
            events = self.events
            number = "1 recorded event was" if events == 1 else f"{events:,} recorded events were"
            click.echo(f"{number} left out: something that decides is pruned from the ledger.", err=True)


class Source(NamedTuple):
    """What events are taken from."""

    session: "Session"
    reader: "LedgerReader"
    recovery: "Recovery"
    left_out: LeftOut


def source(stack: ExitStack, session: "Session", ledger_url: str, environment: str) -> Source:
    """A ledger, with all that it takes to decide its runs again; it is closed with the stack.

    At the end of that it is said how many events were left out.
    """
    from engine.ledger import open_reader
    from engine.runtime.recover import Recovery
    from engine.session import described_connections, plans_in

    reader = open_reader(ledger_url)
    stack.callback(reader.close)
    left_out = LeftOut()
    stack.callback(left_out.tell)
    connections = described_connections(session, environment)
    recovery = Recovery(reader, plans_in(session, reader), connections)
    return Source(session, reader, recovery, left_out)


class Corpus:
    """A corpus that is being written."""

    def __init__(self, file: IO[bytes], redaction: Redaction | None) -> None:
        """Into this file; without ``redaction`` as it was recorded."""
        self._file = file
        self._redaction = redaction
        self.events = 0

    def add(self, event: "RecordedEvent") -> None:
        """Write an event down."""
        line = event.line
        if self._redaction is not None:
            line = _redacted(self._redaction, line)
        self._file.write(write_json(line) + b"\n")
        self._file.flush()
        self.events += 1

    def told(self, path: Path) -> Iterator[str]:
        """What was written, in sentences."""
        yield f"{path} has {self.events:,} event{'' if self.events == 1 else 's'}."
        if self._redaction is None:
            yield "Personal data is in it as it was recorded."
            return
        proof = self._redaction.proof
        proof.rest()
        if proof.otherwise:
            yield (
                f"{proof.otherwise:,} of them no longer decide as recorded, since a rule looks at what is "
                f"redacted: {_listed(proof.differing, proof.otherwise)}. "
                "`--keep FIELD` leaves a field as it is."
            )
        else:
            yield f"Redacted, all {proof.runs:,} runs decide as they did."


def _redacted(redaction: Redaction, line: dict[str, Any]) -> dict[str, Any]:
    from engine.preview.behaviour import sample_of
    from engine.preview.corpus import redacted

    at = datetime.fromisoformat(str(line["accepted_at"]))
    made = redacted(line, redaction.personal, redaction.pseudonyms)
    redaction.proof.take(sample_of(line, at), sample_of(made, at))
    return made


def _listed(names: Sequence[str], all_: int) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {all_ - 5} more" if all_ > 5 else shown


def show(corpus: Corpus, path: Path) -> None:
    """Say what was written."""
    for line in corpus.told(path):
        output.line(line, error=True)
