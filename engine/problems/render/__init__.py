"""Forms in which problems are shown. Only these know of columns, colour or JSON."""

from engine.problems.render.github import render_github
from engine.problems.render.json import render_json
from engine.problems.render.junit import render_junit
from engine.problems.render.sarif import render_sarif
from engine.problems.render.text import render_text

__all__ = ["render_github", "render_json", "render_junit", "render_sarif", "render_text"]
