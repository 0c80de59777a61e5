"""What a command opens: a workspace and its plan, a ledger, connections. It has no verbs of its own.

What only a command that runs something needs is imported by the functions for it: a workspace is checked in
less time than the library of the ledger takes to import.
"""

from engine.session.checking import Checked, OutsideError, check
from engine.session.connecting import described_connections, hooks, manifests, open_connections
from engine.session.evaluating import Evaluator
from engine.session.loading import ALL_KINDS, Session, incremental, load, sound_part
from engine.session.needs import Demands, demands, lacks, require_what_open_runs_need
from engine.session.offering import (
    Offer,
    editor_schemas,
    entity_schemas,
    offers,
    pack_folder,
    record_schemas,
    simulators,
)
from engine.session.releases import (
    MAX_RELEASE,
    at_work,
    kept,
    plans,
    plans_in,
    released,
    require_undeployed,
    snapshot,
    store_release,
    unpack_release,
)
from engine.session.zones import zone_of

__all__ = [
    "ALL_KINDS",
    "MAX_RELEASE",
    "Checked",
    "Demands",
    "Evaluator",
    "Offer",
    "OutsideError",
    "Session",
    "at_work",
    "check",
    "demands",
    "described_connections",
    "editor_schemas",
    "entity_schemas",
    "hooks",
    "incremental",
    "kept",
    "lacks",
    "load",
    "manifests",
    "offers",
    "open_connections",
    "pack_folder",
    "plans",
    "plans_in",
    "record_schemas",
    "released",
    "require_undeployed",
    "require_what_open_runs_need",
    "simulators",
    "snapshot",
    "sound_part",
    "store_release",
    "unpack_release",
    "zone_of",
]
