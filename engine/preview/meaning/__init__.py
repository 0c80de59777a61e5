"""What two releases say otherwise: pure, from what the compiler made of them, never from their text."""

from engine.preview.meaning.change import BEHAVIOUR, BREAKING, FORWARD_ONLY, SAFE, USE, WORDING, Change
from engine.preview.meaning.compare import compare, reached, touched, unchanged, worst

__all__ = [
    "BEHAVIOUR",
    "BREAKING",
    "FORWARD_ONLY",
    "SAFE",
    "USE",
    "WORDING",
    "Change",
    "compare",
    "reached",
    "touched",
    "unchanged",
    "worst",
]
