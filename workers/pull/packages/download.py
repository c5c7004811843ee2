"""Downloads one file over HTTP, and goes on where it stopped: after a lost connection, and in a later run.

Guarantees nothing about the content: the caller compares a digest.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tasks.errors import SourceUnavailable
from tasks.terminal import interrupt

TIMEOUT_S = 8.0
"""How long to wait for a connection, or for the next byte."""

BLOCK_BYTES = 256 * 1024
PAUSE_S = 0.5


class _Lost(Exception):
    """The connection ended, or could not be made; its argument says why."""


def download(
    url: str,
    part: Path,
    opener: urllib.request.OpenerDirector,
    authorization: str,
    moved: Callable[[int], None],
) -> None:
    """Write what is at `url` to `part`, behind what is there; `moved` is told the bytes that are there.

    A lost connection is made again as long as each one brings something. Raises `SourceUnavailable`, the system's
    `OSError` if the file cannot be written, and `Interrupted`.
    """
    while True:
        before = _size(part)
        try:
            _one_try(url, part, opener, authorization, moved)
            return
        except _Lost as exc:
            if _size(part) <= before:
                raise SourceUnavailable(f"{url}: {exc}") from exc
        interrupt.pause(PAUSE_S)


def _one_try(
    url: str, part: Path, opener: urllib.request.OpenerDirector, authorization: str, moved: Callable[[int], None]
) -> None:
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    if authorization:
        request.add_unredirected_header("Authorization", authorization)  # for this host, and no other
    try:
        response = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == 416 and start:  # nothing is left, or what lies there is longer than the file
            part.unlink()
            return _one_try(url, part, opener, authorization, moved)
        raise SourceUnavailable(f"{url}: the registry says {exc.code} {exc.reason}") from exc
    except urllib.error.URLError as exc:
        raise _Lost(_words(exc.reason)) from exc
    except (OSError, http.client.HTTPException) as exc:
        raise _Lost(_words(exc)) from exc
    with response:
        goes_on = response.status == 206
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink(missing_ok=True)
            raise SourceUnavailable(f"{url}: the registry sent other bytes than those from {start:,}")
        with part.open("ab" if goes_on else "wb") as file:
            _copy(response, file, start if goes_on else 0, moved)
    return None


def _copy(response: http.client.HTTPResponse, file: IO[bytes], done: int, moved: Callable[[int], None]) -> None:
    expected = response.length
    received = 0
    while True:
        interrupt.check()
        try:
            block = response.read1(BLOCK_BYTES)
        except (OSError, http.client.HTTPException) as exc:
            raise _Lost(_words(exc)) from exc
        if not block:
            break
        file.write(block)
        file.flush()  # a process that is killed leaves all that came
        received += len(block)
        moved(done + received)
    if expected is not None and received < expected:
        raise _Lost(f"the connection ended after {received:,} of {expected:,} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _words(reason: object) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({reason.verify_message})"
    if isinstance(reason, TimeoutError):
        return f"it does not answer within {TIMEOUT_S:g} s"
    return str(getattr(reason, "strerror", None) or reason)
