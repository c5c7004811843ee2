"""Which craft computes the parts of a task. A task that is not here runs as plain Celery's, without the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.child.crafts.base import Craft
from workers.child.crafts.speech import Speech
from workers.child.crafts.summary import Summary

OF_TASK: Mapping[str, Craft[Any, Any, Any]] = {
    "speech.paragraph": Speech(),
    "summary.part": Summary(),
}
