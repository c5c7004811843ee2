"""One request as the pool sends it to the child, and its result. Values only; can read the body."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput

TraceResult = tuple[int, Any, float]
"""What Celery's tracer returns for one request: failed (0 or 1), its result or `ExceptionInfo`, seconds."""


@dataclass(frozen=True)
class RunAlone:
    """Returned instead of a result: the call did not run, because it must run in a batch of its own."""


@dataclass(frozen=True)
class GivenBack:
    """Returned instead of a result: the call did not run, because the model is paused; its message goes back."""


@dataclass(frozen=True)
class NotBegun:
    """Returned instead of a result: the call was recalled, or its child died before it began; its message goes back."""


@dataclass(frozen=True)
class Lost:
    """Returned instead of a result: the child died while it computed the call; `why`, if it could say it."""

    why: str = ""


NotRun = RunAlone | GivenBack | NotBegun | Lost


@dataclass(frozen=True)
class Call:
    """One request as the pool sends it to the child: Celery's arguments for its tracer."""

    task: str
    task_id: str
    headers: Mapping[str, Any]
    body: Any
    content_type: str
    content_encoding: str

    @property
    def delivery_tag(self) -> str:
        """The key of this message in the transport while it is held."""
        return str((self.headers.get("properties") or {}).get("delivery_tag") or self.task_id)

    def kwargs(self) -> dict[str, Any]:
        """The task's keyword arguments; raises `InvalidInput` if the body is not one of Celery's."""
        body = self.body
        try:
            if isinstance(body, (str, bytes, memoryview)):
                raw = body if isinstance(body, str) else bytes(body).decode("utf-8")
                body = json.loads(raw if raw[:1] in "[{" else base64.b64decode(raw))
            args, kwargs, *_ = body
            if args:
                raise InvalidInput("args: give keyword arguments only")
            return dict(kwargs)
        except (ValueError, TypeError, RecursionError) as exc:
            raise InvalidInput(f"body: not a Celery message ({exc})") from exc
