"""The words for the errors of huggingface_hub, whichever of its versions raises them."""

from __future__ import annotations

import errno
from types import SimpleNamespace

from workers.pull.hub.child import described

REQUEST = {"do": "download", "repo": "a/b", "commit": "c0ffee", "path": "x.bin", "folder": "/models"}


class Refused(Exception):
    """As an HTTP library's error: it has the response."""

    def __init__(self, status: int) -> None:
        self.response = SimpleNamespace(status_code=status)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_a_full_disk_is_the_disks_error_however_deep_it_lies() -> None:
    deep = caused(RuntimeError("failed"), OSError(errno.ENOSPC, "No space left on device", "/models/x"))
    assert described(deep, REQUEST) == {"error": str(deep.__cause__), "errno": errno.ENOSPC, "path": "/models/x"}


def test_a_status_is_named_also_where_another_error_hides_it() -> None:
    assert described(Refused(503), REQUEST)["error"] == "HTTP 503 for x.bin"
    assert described(caused(OSError("cannot find the file"), Refused(429)), REQUEST)["error"] == "HTTP 429 for x.bin"
    assert "HTTP 401 for a/b: the token is not valid" in described(Refused(401), REQUEST)["error"]


def test_a_connection_that_fails_is_named_in_the_systems_words() -> None:
    refused = caused(RuntimeError("HTTPSConnectionPool(…): Max retries exceeded"), OSError(111, "Connection refused"))
    assert described(refused, REQUEST)["error"] == "Connection refused"
    assert described(ValueError("two\nlines"), REQUEST)["error"] == "two lines"


def test_a_revision_that_is_gone_is_told_apart() -> None:
    gone = type("RevisionNotFoundError", (Refused,), {})(404)
    assert described(gone, REQUEST) == {"error": "a/b has no revision c0ffee any more", "kind": "revision"}
