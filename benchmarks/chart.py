"""The results as an SVG chart: each row as a share of its bound, which is one vertical line.

Bars are medians, whiskers the range. For a lower bound the share is bound / value. The colours are legible on light
and dark pages.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from .bench import Row

LABELS, PLOT, RIGHT = 430, 420, 90
BAR, GAP, TOP, BOTTOM = 12, 10, 58, 34
MAX_SHARE = 2.0
"""Larger shares of the bound are drawn as this."""
COLOURS = ("#3b82c4", "#d9822b", "#4f9d69", "#8e63b5")
INK, FAINT, LIMIT = "#7a828c", "#7a828c55", "#c0392b"


def share(row: Row, value: float) -> float:
    """``value`` as a share of the row's bound: up to 1 is within it."""
    if row.at_least:
        return row.bound / value if value > 0 else MAX_SHARE
    return max(value / row.bound, 0.0)


def x(part: float) -> float:
    return LABELS + PLOT * min(part, MAX_SHARE) / MAX_SHARE


def text(at: float, y: float, words: str, anchor: str = "start", colour: str = INK, size: int = 12) -> str:
    return (
        f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">'
        f"{escape(words)}</text>"
    )


def bar(row: Row, y: float, colour: str) -> list[str]:
    low, high = sorted((share(row, min(row.samples)), share(row, max(row.samples))))
    middle = y + BAR / 2
    figure = f"{row.median:.2f}" if not row.unit else f"{row.median:.1f} {row.unit}"
    return [
        f'<rect x="{LABELS}" y="{y}" width="{x(share(row, row.median)) - LABELS:.1f}" height="{BAR}" fill="{colour}"/>',
        f'<line x1="{x(low):.1f}" y1="{middle}" x2="{x(high):.1f}" y2="{middle}" stroke="{INK}" stroke-width="2"/>',
        text(LABELS + PLOT + 8, y + BAR - 2, figure, size=11),
    ]


def svg(runs: dict[str, list[Row]]) -> str:
    """One group of bars for each row, one bar in it for each server."""
    names = list(dict.fromkeys(row.name for rows in runs.values() for row in rows))
    body = []
    y = TOP
    for name in names:
        shown = [(colour, row) for (colour, rows) in zip(COLOURS, runs.values(), strict=False)
                 for row in rows if row.name == name]  # fmt: skip
        row = shown[0][1]
        words = f"{row.what}" + (f" / {row.against}" if row.against else "")
        height = len(shown) * BAR
        if len(words) > 66:
            words = words[:65] + "…"
        body.append(text(LABELS - 8, y + height / 2 + 4, words, "end"))
        for colour, row in shown:
            body += bar(row, y, colour)
            y += BAR
        y += GAP
    end = y + 4
    limit = [
        f'<line x1="{x(1):.1f}" y1="{TOP - 8}" x2="{x(1):.1f}" y2="{end}" stroke="{LIMIT}" stroke-dasharray="4 3"/>',
        text(x(1), TOP - 14, "bound", "middle", LIMIT),
        f'<line x1="{LABELS}" y1="{TOP - 8}" x2="{LABELS}" y2="{end}" stroke="{FAINT}"/>',
    ]
    legend = []
    at = float(LABELS)
    for colour, server in zip(COLOURS, runs, strict=False):
        legend += [f'<rect x="{at:.1f}" y="14" width="12" height="12" fill="{colour}"/>', text(at + 17, 24, server)]
        at += 130
    width, height = LABELS + PLOT + RIGHT, end + BOTTOM
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" font-family="system-ui, sans-serif">',
            "<title>redis-state-machine against the server's own commands</title>",
            *legend,
            *body,
            *limit,
            text(LABELS, end + 20, "shorter is better; medians as a share of the bound, lines show the range", size=11),
            "</svg>",
            "",
        ]
    )


def write(path: Path, runs: dict[str, list[Row]]) -> None:
    path.write_text(svg(runs), encoding="utf-8")
