"""What was compared, told: as text, as JSON. Nothing here compares anything."""

from engine.preview.report.json_form import as_json
from engine.preview.report.report import Report, Side
from engine.preview.report.text import text

__all__ = ["Report", "Side", "as_json", "text"]
