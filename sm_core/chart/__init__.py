"""The statechart engine: XState 5's machine configs as data, stepped by pure functions.

chart.py     the interface: Chart, compile_chart
members.py   the members of a document, one by one
numbering.py the states of a document: numbers, names, what a target means
behaviour.py expressions, guards and actions, read
compile.py   the compiled tables
indexes.py   what a step looks up at once
model.py     the values: tables, transitions, configurations
rows.py      a flat map as tables
waiting.py   what a state waits for: deadlines and tasks, read
delays.py    how long that is
guards.py    guards, compiled
actions.py   actions, compiled
templates.py JSON in which expressions stand
data.py      what the expressions of one step see and change
step.py      the interpretation algorithm
short.py     steps that are one transition, and nothing more
circle.py    transitions without an event that do not end
entry.py     which states a transition leads to
select.py    the transitions that an event enables
listen.py    which descriptors match an event
plans.py     what the guards of an event decide between, remembered
why.py       why an event is taken or not: SM.CAN … WHY
move.py      moves that name a state: SM.MUTATE
events.py    what could be sent now: SM.NEXT
value.py     XState's state value and history value, written and read
legal.py     which states can be active together
encoding.py  a configuration as bytes
oddities.py  what is odd in expressions, guards and assignments: SM.CHECK, too
check.py     findings about a document: SM.CHECK
hints.py     what was probably meant, for faults
view.py      states and transitions of any machine, for drawing and checking
draw.py      diagrams: SM.DIAGRAM
"""

from __future__ import annotations

from . import move, step
from .chart import UNSENDABLE, Chart, compile_chart
from .check import MOST_FINDINGS, Finding, check
from .data import Data, kept_json
from .draw import draw
from .hints import Names, did_you_mean
from .model import Configuration, Step, Tables
from .plans import Plan, make_plan, take
from .rows import listed, map_tables
from .view import view
from .waiting import DONE_TASK, FAILED_TASK
from .why import why

__all__ = [
    "DONE_TASK",
    "FAILED_TASK",
    "MOST_FINDINGS",
    "UNSENDABLE",
    "Chart",
    "Configuration",
    "Data",
    "Finding",
    "Names",
    "Plan",
    "Step",
    "Tables",
    "check",
    "compile_chart",
    "did_you_mean",
    "draw",
    "kept_json",
    "listed",
    "make_plan",
    "map_tables",
    "move",
    "step",
    "take",
    "view",
    "why",
]
