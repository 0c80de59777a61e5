"""What was compared, told: as text, JSON, Markdown and HTML. Nothing here compares anything."""

from engine.preview.report.html import html
from engine.preview.report.json_form import as_json
from engine.preview.report.markdown import markdown
from engine.preview.report.report import Report, Side
from engine.preview.report.text import text

__all__ = ["Report", "Side", "as_json", "html", "markdown", "text"]
