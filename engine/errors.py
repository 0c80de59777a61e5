"""Operating faults: what the world did, raised. (An author's mistakes are problems, not these.)

::

    TidegateError           anything that a command reports in one sentence
    ├── LedgerError         the ledger cannot be opened, read or written
    │   ├── LedgerBusy      another process holds it
    │   └── LedgerOutdated  its schema is not the one of this release
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


class InputError(TidegateError):
    """A file or request that was handed to us cannot be used; the message names the place."""


class ConfigurationError(TidegateError):
    """A connection or setting is missing or contradictory."""
