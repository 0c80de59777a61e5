"""Where a value comes from, field by field, as far as documents say.

It is worked out once when a workspace is compiled, for those who check ownership, compare releases or
tell where a figure is from. Nothing decides by it while a flow runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Origin:
    """A place that a value comes from.

    `root` is the name of an input, or `table:NAME`, or `xref:CONNECTION`; `path` is what was read of it,
    elements of lists left out. A value that is `carried` may be the very one that stood there; one that is
    not was worked out of it, or chosen by it.
    """

    root: str
    path: tuple[str, ...] = ()
    carried: bool = True


Lineage: TypeAlias = Mapping[str, frozenset[Origin]]
"""The origins of each field of a record; the fields of records inside have dotted names."""
