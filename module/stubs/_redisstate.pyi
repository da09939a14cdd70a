"""What cffi makes of module/shim/engine_abi.h and engine_api.h, as far as module/ uses it."""

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

class _FFI:
    def def_extern(
        self, *, error: int | None = ..., onerror: Callable[..., None] | None = ...
    ) -> Callable[[_Function], _Function]: ...
    def unpack(self, data: Any, length: int) -> bytes: ...

ffi: _FFI
lib: Any
