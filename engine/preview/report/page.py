"""The frame of the HTML page: what a browser may do with it, and how it looks."""

HEAD = """<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta http-equiv=Content-Security-Policy
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name=viewport content="width=device-width, initial-scale=1">
<title>Tidegate: what a change does</title>"""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1c232b; --soft: #5a6572; --line: #d4d8de;
  --box: #f6f7f9; --more: #2f7d4f; --less: #b3402e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e8ebef; --soft: #a3adb8;
  --line: #39424d; --box: #1e242b; --more: #58b67f; --less: #e07a66; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.45;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 8px; text-wrap: balance; }
h2 { font-size: 17px; margin: 32px 0 8px; }
h3 { font-size: 14px; margin: 18px 0 6px; color: var(--soft); font-weight: 600; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; max-width: 640px; }
th, td.class { white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.old { color: var(--less); } td.new { color: var(--more); }
details { margin: 6px 0; } summary { cursor: pointer; padding: 4px 0; }
.bars { display: grid; gap: 4px; }
.bar { display: grid; grid-template-columns: minmax(120px, 34%) 1fr auto; gap: 12px; align-items: center;
  font-size: 13.5px; }
.bar i { display: block; height: 12px; min-width: 2px; border-radius: 2px; background: var(--more); }
.bar i.less { background: var(--less); }
.bar b { font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 12px; background: var(--box); border: 1px solid var(--line); border-radius: 6px;
  overflow-x: auto; }
figcaption { color: var(--soft); font-size: 13px; margin-bottom: 8px; overflow-wrap: anywhere; }
figure img { max-width: 100%; height: auto; }
"""
