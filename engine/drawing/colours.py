"""One colour for each kind of node, in every form of picture. Readable on white and on black."""

from collections.abc import Mapping
from types import MappingProxyType

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "event": "#7c5cd6",
        "flow": "#2f7ed8",
        "source": "#0f8f83",
        "connection": "#0f8f83",
        "read": "#0f8f83",
        "map": "#2f7ed8",
        "check": "#c2710c",
        "write": "#1d9150",
        "emit": "#7c5cd6",
        "wait": "#8a6d3b",
        "choose": "#c2710c",
    }
)
