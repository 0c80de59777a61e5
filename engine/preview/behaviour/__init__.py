"""What two releases decide otherwise: the same events through both plans, by the one core that decides live.

Nothing is asked of the world. Reads are answered by what was recorded, time is that of the events, writes
are given a receipt and go nowhere. What would have to be read and was not recorded is counted, never guessed.
"""

from engine.preview.behaviour.compare import Release, play_both
from engine.preview.behaviour.lines import read_samples, sample_of
from engine.preview.behaviour.outcome import Difference, Known
from engine.preview.behaviour.play import Side
from engine.preview.behaviour.sample import Recorded, Sample, key_of_read
from engine.preview.behaviour.shared import Shared
from engine.preview.behaviour.tally import Behaviour, MoneyLine, tally

__all__ = [
    "Behaviour",
    "Difference",
    "Known",
    "MoneyLine",
    "Recorded",
    "Release",
    "Sample",
    "Shared",
    "Side",
    "key_of_read",
    "play_both",
    "read_samples",
    "sample_of",
    "tally",
]
