"""The process that talks to the model hub: the only module that imports huggingface_hub.

A process of its own, because huggingface_hub reads its settings when it is imported, retries for as long as it likes
and cannot be stopped; its parent (`client.py`) ends it. It reads requests from stdin and writes answers to stdout,
one JSON object a line. It ends when stdin does. Works with huggingface_hub 0.30 and newer, also from 1.0 on.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

CHUNK_BYTES = 128 * 1024

ANSWER_WITHIN_S = 8.0
"""How long the hub's interface may take for one answer."""


class Says(logging.Handler):
    """Passes on what huggingface_hub logs, such as why it tries again."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line to the parent."""
        _answer({"says": record.getMessage()})


def main() -> None:
    """Answer until stdin ends."""
    requests: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    logger = logging.getLogger("huggingface_hub")
    logger.addHandler(Says(logging.WARNING))
    logger.propagate = False
    while True:
        request = json.loads(requests.get())
        work: Callable[[Mapping[str, Any]], Any] = {"info": info, "download": download}[request["do"]]
        try:
            _answer({"done": work(request)})
        except Exception as exc:  # the boundary to huggingface_hub, whose versions have no common error
            _answer(described(exc, request))


def info(request: Mapping[str, Any]) -> dict[str, Any]:
    """The commit of a revision, and its files with sizes and the digests that the hub knows."""
    from huggingface_hub import HfApi

    found = HfApi().model_info(
        request["repo"], revision=request["revision"], files_metadata=True, timeout=ANSWER_WITHIN_S
    )
    return {"commit": found.sha, "files": {one.rfilename: _known(one) for one in found.siblings or ()}}


def download(request: Mapping[str, Any]) -> str:
    """Download a file of a commit into a folder, at its path in the repository; goes on where an earlier one ended."""
    from huggingface_hub import constants, hf_hub_download

    # What is written at once: by default so much (10 MiB) that on a slow line nothing seems to come for minutes.
    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    return str(
        hf_hub_download(request["repo"], request["path"], revision=request["commit"], local_dir=request["folder"])
    )


def described(exc: BaseException, request: Mapping[str, Any]) -> dict[str, Any]:
    """An error for the parent: `error` in words, and `errno` with `path` if it is the disk's."""
    chain = list(_chain(exc))
    for one in chain:
        if isinstance(one, OSError) and one.errno in FULL:
            return {"error": str(one), "errno": one.errno, "path": one.filename or request.get("folder", "")}
    names = {kind.__name__ for kind in type(exc).__mro__}
    repo, commit = request["repo"], request.get("commit") or request.get("revision")
    status = next((code for one in chain if (code := _status(one))), 0)
    if "GatedRepoError" in names:
        words = f"{repo} is gated: accept its conditions on its page, and set HF_TOKEN to a token of that account"
    elif "RepositoryNotFoundError" in names:
        words = f"there is no repository {repo}, or it is private and HF_TOKEN does not open it (HTTP {status})"
    elif "RevisionNotFoundError" in names:
        return {"error": f"{repo} has no revision {commit} any more", "kind": "revision"}
    elif status == 401:
        words = f"HTTP 401 for {repo}: the token is not valid; set HF_TOKEN to a valid one, or unset it"
    elif status:
        words = f"HTTP {status} for {request.get('path', repo)}"
    else:
        words = _innermost(chain)
    return {"error": words}


def _known(file: Any) -> dict[str, Any]:
    """Bytes, and the SHA-256 of a large file or git's SHA-1 of a small one; empty where the hub does not say."""
    lfs = getattr(file, "lfs", None)
    sha256 = getattr(lfs, "sha256", None) or (lfs.get("sha256") if isinstance(lfs, dict) else None)
    return {
        "bytes": getattr(file, "size", None) or 0,
        "sha256": sha256 or "",
        "git": "" if sha256 else getattr(file, "blob_id", None) or "",
    }


def _chain(exc: BaseException | None) -> list[BaseException]:
    """The error, and what caused it."""
    found: list[BaseException] = []
    while exc is not None and exc not in found:
        found.append(exc)
        exc = exc.__cause__ or exc.__context__
    return found


def _status(exc: BaseException) -> int:
    response = getattr(exc, "response", None)
    return int(getattr(response, "status_code", 0) or 0)


def _innermost(chain: list[BaseException]) -> str:
    """The system's own words where there are any; else the first error's."""
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    said = " ".join(str(chain[0]).split()) or type(chain[0]).__name__
    return said[:200]


def _read(requests: queue.Queue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # the parent has ended; a download that goes on would have nobody to give it to


_lock = threading.Lock()


def _answer(answer: Mapping[str, Any]) -> None:
    with _lock, contextlib.suppress(BrokenPipeError):
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
