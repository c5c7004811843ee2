"""One request as the pool hands it to the child, and an answer to it. Values; reads a body, and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import InvalidInput

TraceResult = tuple[int, Any, float]
"""What Celery's tracer gives for one request: failed (0 or 1), its result or `ExceptionInfo`, seconds."""


@dataclass(frozen=True)
class RunAlone:
    """In a result's place: the call was not run, because it must run in a batch of its own."""


@dataclass(frozen=True)
class Call:
    """One request as the pool hands it to the child: Celery's own arguments for its tracer."""

    task: str
    task_id: str
    headers: Mapping[str, Any]
    body: Any
    content_type: str
    content_encoding: str

    @property
    def delivery_tag(self) -> str:
        """What the transport knows this message by while it is held."""
        return str((self.headers.get("properties") or {}).get("delivery_tag") or self.task_id)

    def kwargs(self) -> dict[str, Any]:
        """The task's keyword arguments; raises `InvalidInput` when the body is none of Celery's."""
        body = self.body
        try:
            if isinstance(body, (str, bytes, memoryview)):
                raw = body if isinstance(body, str) else bytes(body).decode("utf-8")
                body = json.loads(raw if raw[:1] in "[{" else base64.b64decode(raw))
            args, kwargs, *_ = body
            if args:
                raise InvalidInput("args: give keyword arguments only")
            return dict(kwargs)
        except (ValueError, TypeError) as exc:
            raise InvalidInput(f"body: not a Celery message ({exc})") from exc
