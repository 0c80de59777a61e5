"""The kinds of faults, and where each is played: in the simulation by these names, or by a test elsewhere.

What a simulation of one process on SQLite cannot have is played by the tests that are named.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fault."""

    name: str
    ways: tuple[str, ...] = ()  # the names under which histories count it; each has to occur
    elsewhere: tuple[str, ...] = ()  # tests that play it, as `file::name`


def _kind(name: str, *ways: str) -> Kind:
    return Kind(name=name, ways=ways or (name,))


def _elsewhere(name: str, *tests: str) -> Kind:
    return Kind(name=name, elsewhere=tests)


POSTGRES = "tests/ledger/test_postgres.py"

KINDS: tuple[Kind, ...] = (
    # Ends of a process.
    _kind("kill -9"),
    _kind("SIGTERM then kill", "SIGTERM then kill", "killed while it stopped"),
    _kind("out-of-memory kill"),
    _kind("pause and wake with an old lease", "pause and wake"),
    # The disk.
    _kind("power cut: lost, torn, reordered writes", "power cut", "power cut: writes at risk"),
    _kind("disk full"),
    _kind("I/O error"),
    _kind("fsync failure"),
    _kind("read-only file"),
    _elsewhere("bit flip", "tests/ledger/test_chain.py::test_a_changed_value_is_told"),
    _elsewhere("truncated file", "tests/ledger/test_opening.py::test_a_damaged_page_is_told"),
    _elsewhere(
        "restored old backup",
        "tests/ledger/test_chain.py::test_the_end_that_was_cut_off_is_told_by_a_published_head",
    ),
    _kind("two processes on one file"),
    # PostgreSQL.
    _elsewhere("PostgreSQL: lost commit reply", f"{POSTGRES}::TestTheAnswerIsLost"),
    _elsewhere(
        "PostgreSQL: fail-over with missing commits", f"{POSTGRES}::test_a_server_that_is_only_a_copy_is_told"
    ),
    _elsewhere(
        "PostgreSQL: serialisation failure", f"{POSTGRES}::test_each_code_of_the_server_becomes_a_sentence"
    ),
    _elsewhere("PostgreSQL: deadlock", f"{POSTGRES}::test_two_that_wait_for_each_other_are_tried_again"),
    _elsewhere("PostgreSQL: read-only", f"{POSTGRES}::test_a_server_that_is_only_a_copy_is_told"),
    _elsewhere(
        "PostgreSQL: connection limit", f"{POSTGRES}::test_each_code_of_the_server_becomes_a_sentence"
    ),
    # The network.
    _kind("network: refuse", "refuse"),
    _kind("network: time out", "time out"),
    _kind("network: reset before, during, after", "reset before", "reset during", "reset after"),
    _kind("network: delay", "delay", "late request"),
    _kind("network: duplicate", "duplicate"),
    _kind("network: reorder", "reorder"),
    _kind("network: partition", "partition"),
    _kind("network: half-open", "half-open"),
    _kind("DNS failure and change", "DNS failure"),
    _kind("TLS failure"),
    _kind("proxy 502 or 504 after commit", "502 after commit", "504 after commit"),
    _kind("slow reply after our time-out", "slow reply"),
    _kind("truncated, wrong or foreign reply", "truncated reply", "wrong reply", "foreign reply"),
    _kind("rate limit"),
    _kind("token expiry"),
    _kind("secret rotation"),
    # Time.
    _kind("clock back"),
    _kind("clock forward"),
    _kind("clock slew"),
    _kind("clock strobe"),
    _kind("clock suspend"),
    _kind("zone change"),
    _elsewhere(
        "tzdata change",
        "tests/runtime/test_doubt.py::test_what_was_decided_then_is_sent_and_not_what_would_be_decided_now",
    ),
    _kind("leap second"),
    _kind("DST gap and fold at the cutoff", "DST gap at the cutoff", "DST fold at the cutoff"),
    _kind("month end"),
    _kind("leap day"),
    _kind("year end"),
    # Messages.
    _kind("duplicate message"),
    _kind("reordered message"),
    _kind("late message"),
    _kind("early message"),
    _kind("missing message"),
    _kind("poison message"),
    _kind("huge message"),
    _kind("partial batch"),
    _kind("source edits or deletes under us", "source edits under us", "source deletes under us"),
    # Around it.
    _kind("flow deployed or rolled back in flight", "flow deployed", "flow rolled back"),
    _kind("person acts while the engine acts"),
)


def counted(seen: Mapping[str, int]) -> Counter[str]:
    """How often each kind occurred: of several ways the rarest."""
    return Counter({kind.name: min((seen.get(way, 0) for way in kind.ways), default=0) for kind in KINDS})
