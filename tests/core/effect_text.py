"""An effect as a client reads it with EFFECTS."""

from __future__ import annotations

from sm_core import Effect
from tests.documents import compact


def effect_text(effect: Effect) -> str:
    params = effect.params_text()
    more = f',"params":{params}' if params else ""
    return f'{{"type":{compact(effect.name)}{more}}}'
