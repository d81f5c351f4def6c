"""Draw docs/_static/flow.svg: the way of the data through the package, floor by floor; readable on light and on dark.

python tools/make_flow_picture.py            writes the picture
python tools/make_flow_picture.py --check    says whether it is up to date, writes nothing
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

PICTURE = Path(__file__).parents[1] / "docs" / "_static" / "flow.svg"

BOX, ROW, LEFT, TOP, GAP = 44, 92, 96, 16, 20
WIDTH = 860

#: Floors from the top of the picture down: the floor, its modules, each a name and a line, and what goes down from it.
FLOORS = [
    ("", [("logs, databases, tables", "of any vendor")], "lines, every one accounted for"),
    ("2", [("readers", "one file per vendor"), ("synthetic", "centres with known truth")], "contacts, agent_states"),
    ("2", [("intervals", "counts and sums that add up")], "intervals, agent_intervals"),
    ("2½", [("profile", "by the calendar"), ("expectation", "by the models")], "what was to be expected"),
    (
        "3",
        [("service", "7.3, 7.7"), ("workforce", "7.6"), ("deviations", "7.4, 7.10"), ("satisfaction", "8, 7.5, 7.8")],
        "ratios, plans, points, answers",
    ),
    ("4", [("scorecard", "against the agreement")], "figures, verdicts, traces"),
    (
        "5",
        [
            ("report", "for people"),
            ("plots", "charts"),
            ("exports", "for programs"),
            ("engines", "larger than memory"),
            ("app", "in the browser"),
        ],
        "",
    ),
]
#: What every floor stands on.
GROUND = [("0", "errors"), ("1", "schema · metrics · labels · periods · agreement · privacy · queueing · spc")]

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .name { font-weight: 600; }
  .small { font-size: 11px; fill: #57606a; }
  .paper { fill: #ffffff; stroke: none; }
  rect { fill: #eef4fb; stroke: #0072b2; }
  .ground { fill: #f3f4f6; stroke: #8c959f; }
  path { stroke: #8c959f; fill: none; }
  polygon { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8eaed; } .small { fill: #a7afb8; }
    rect { fill: #16293a; stroke: #56b4e9; } .ground { fill: #24292f; } .paper { fill: #121417; stroke: none; }
  }
"""


def box(left: float, top: float, width: float, name: str, line: str) -> str:
    """A module: its name, and below what it is for."""
    middle = left + width / 2
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{BOX}" rx="6"/>'
        f'<text class="name" x="{middle:g}" y="{top + 19:g}" text-anchor="middle">{escape(name)}</text>'
        f'<text class="small" x="{middle:g}" y="{top + 34:g}" text-anchor="middle">{escape(line)}</text>'
    )


def picture() -> str:
    """The whole drawing."""
    parts, room = [], WIDTH - LEFT - 16
    for row, (floor, modules, goes_down) in enumerate(FLOORS):
        top = TOP + row * ROW
        if floor:
            parts.append(f'<text class="small" x="12" y="{top + 26:g}">floor {floor}</text>')
        width = (room - GAP * (len(modules) - 1)) / max(len(modules), 2)
        first = LEFT + (room - len(modules) * width - GAP * (len(modules) - 1)) / 2
        parts += [box(first + n * (width + GAP), top, width, *module) for n, module in enumerate(modules)]
        if goes_down:
            middle, end = LEFT + room / 2, top + ROW - 4
            parts.append(f'<path d="M {middle:g} {top + BOX + 4:g} V {end - 6:g}"/>')
            parts.append(f'<polygon points="{middle - 5:g},{end - 8:g} {middle + 5:g},{end - 8:g} {middle:g},{end:g}"/>')
            parts.append(f'<text class="small" x="{middle + 14:g}" y="{top + BOX + 28:g}">{escape(goes_down)}</text>')
    top = TOP + len(FLOORS) * ROW - 20
    for floor, names in reversed(GROUND):
        parts.append(f'<text class="small" x="12" y="{top + 20:g}">floor {floor}</text>')
        parts.append(f'<rect class="ground" x="{LEFT}" y="{top:g}" width="{room}" height="30" rx="6"/>')
        parts.append(f'<text x="{LEFT + room / 2:g}" y="{top + 20:g}" text-anchor="middle">{escape(names)}</text>')
        top += 38
    height = top + 6
    label = 'role="img" aria-label="The way of the data, floor by floor"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" {label}>'
    paper = f'<rect class="paper" width="{WIDTH}" height="{height:g}"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", paper, *parts, "</svg>", ""])


def main(arguments: list[str]) -> int:
    text = picture()
    if "--check" in arguments:
        fresh = PICTURE.exists() and PICTURE.read_text(encoding="utf-8") == text
        print(f"{PICTURE.name} is up to date" if fresh else f"{PICTURE.name} is out of date: run python tools/make_flow_picture.py")
        return 0 if fresh else 1
    PICTURE.write_text(text, encoding="utf-8")
    print(f"wrote {PICTURE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
