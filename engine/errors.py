"""Operating faults: what the world did, raised; an author's mistakes are problems, and not these.

::

    TidegateError           anything that a command reports in one sentence
    ├── LedgerError         the ledger cannot be opened, read or written
    │   ├── LedgerBusy      another process holds it
    │   ├── LedgerOutdated  its schema is not the one of this release
    │   ├── LedgerMissing   there is none at this place
    │   ├── LedgerFull      the disk has no room for the commit
    │   ├── LedgerReadOnly  its file may not be written
    │   ├── LedgerDamaged   its file is not a database, or not a sound one
    │   ├── LedgerUnreadable  the disk failed under it
    │   ├── LedgerUnreachable its server does not answer, or is not there
    │   ├── LedgerRestored    an older copy stands where it was written
    │   ├── LedgerLost      another machine has taken over what this one was about to write
    │   └── LedgerConflict  what is to be written contradicts what is there
    ├── InputError          a file or request that was handed to us cannot be used
    └── ConfigurationError  a connection or setting is missing or contradictory
"""


class TidegateError(Exception):
    """Something that a command reports in one sentence and ends with a non-zero exit code."""


class LedgerError(TidegateError):
    """The ledger cannot be opened, read or written."""


class LedgerBusy(LedgerError):
    """Another process holds the ledger."""


class LedgerOutdated(LedgerError):
    """The schema of the ledger is not the one of this release; `tidegate ledger upgrade` brings it there."""


class LedgerMissing(LedgerError):
    """There is no ledger at the place that was named."""


class LedgerFull(LedgerError):
    """The disk has no room for the commit; nothing of it was written."""


class LedgerReadOnly(LedgerError):
    """The file of the ledger, or its folder, may not be written."""


class LedgerDamaged(LedgerError):
    """The file is not a database, or not a sound one."""


class LedgerRestored(LedgerError):
    """An older copy stands in the place of the ledger that was written here; a person has to see to it."""


class LedgerUnreadable(LedgerError):
    """The disk failed while the ledger was read or written."""


class LedgerUnreachable(LedgerError):
    """The server of the ledger does not answer. Unless the message says otherwise nothing was written."""


class LedgerLost(LedgerError):
    """Another machine has taken over what this one was about to write; nothing of it was written."""


class LedgerConflict(LedgerError):
    """What is to be written contradicts what is recorded; nothing of the commit was written."""


class InputError(TidegateError):
    """A file or request that was handed to us cannot be used; the message names the place."""


class ConfigurationError(TidegateError):
    """A connection or setting is missing or contradictory."""
