"""The results of a run as a table for the terminal and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from .bench import Row


def figure(value: float, unit: str) -> str:
    return f"{value:.3f}" if not unit else f"{value:.1f} {unit}"


def cells(row: Row) -> list[str]:
    return [
        row.what,
        row.against,
        row.measured,
        row.reference,
        figure(row.median, row.unit),
        f"{figure(min(row.samples), '' if not row.unit else ' ').strip()} to "
        f"{figure(max(row.samples), '' if not row.unit else ' ').strip()}",
        ("at least " if row.at_least else "at most ") + f"{row.bound:g}",
        "yes" if row.within_bound else "NO",
    ]


HEADER = ["what", "against", "measured", "reference", "median", "range", "bound", "within bound"]


def table(rows: list[Row]) -> str:
    """Columns as wide as they need to be; a Markdown table too."""
    lines = [HEADER, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
            for line in lines]  # fmt: skip
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def write_json(path: Path, runs: dict[str, list[Row]], conditions: dict[str, object]) -> None:
    """Every sample of every row, with what it was measured on."""
    document = {
        **conditions,
        "servers": {
            name: [
                {
                    "name": row.name,
                    "what": row.what,
                    "against": row.against,
                    "unit": row.unit or "ratio",
                    "median": row.median,
                    "samples": list(row.samples),
                    "at_least" if row.at_least else "at_most": row.bound,
                    "holds": row.within_bound,
                    "measured": row.measured,
                    "reference": row.reference,
                }
                for row in rows
            ]
            for name, rows in runs.items()
        },
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
