"""The pointer to the active release: moved by whoever knows from where, or not at all."""

import pytest

from engine.clock import FixedClock
from engine.errors import LedgerConflict
from engine.ledger import Commit, open_ledger, rows, verify_chain
from tests.ledger.samples import AT, NOW


def moving(to, base):
    return Commit(
        releases=[rows.NewRelease(to, AT, "", b"zip")],
        still_active=[rows.StillActive(base)],
        activations=[rows.NewActivation(to, AT, "ann", "go")],
    )


def test_it_is_moved_from_where_it_was_thought_to_be():
    with open_ledger("sqlite://", clock=FixedClock(NOW)) as ledger:
        ledger.commit(moving("f1", None))
        ledger.commit(moving("f2", "f1"))
        for base in ("f1", None):
            with pytest.raises(LedgerConflict, match="f2 is active"):
                ledger.commit(moving("f3", base))
        reader = ledger.reader()
        assert reader.active_release().fingerprint == "f2"
        assert reader.release("f3") is None
        said = rows.AuditEntry(AT, "ann", "release.canary", "releases", "{}")
        for seen, refused in ((reader.head().seq, True), (0, False), (0, True)):
            trying = Commit(still_active=[rows.StillActive("f2", "releases", seen)], entries=[said])
            if refused:
                with pytest.raises(LedgerConflict, match="somebody else did something about releases"):
                    ledger.commit(trying)
            else:
                ledger.commit(trying)
        assert verify_chain(reader) == []
