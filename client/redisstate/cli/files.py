"""The files that commands write: whole or not at all, and never the one that they have read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from .failures import Failure


def write(target: str, text: str, source: str | None = None) -> None:
    """Writes a text as UTF-8. ``source`` is the file that it comes of, ``-`` or None where it comes of none.

    It goes into a new file, which takes the target's name: who reads meanwhile has the old text or the new one.
    """
    path = Path(os.path.realpath(target))  # a link goes on being one
    try:
        data = text.encode()
        if source not in (None, "-") and path.exists() and path.samefile(source):
            raise Failure(f"{target} is what is read: -o wants another file")
        if path.exists() and not path.is_file():  # a pipe, or a device
            path.write_bytes(data)
        else:
            _replace(path, data)
    except UnicodeEncodeError:
        raise Failure(f"{target}: a text has half of a surrogate pair, which UTF-8 has not") from None
    except OSError as error:
        raise Failure(f"{target}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    try:
        with new.open("xb") as file:
            file.write(data)
        if mode is not None:
            new.chmod(mode)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
