"""Where jobs run: `celery -A workers worker --model NAME` (a slot) or `-Q flow`.

Importing this package loads nothing. Celery asks it for `app`, and only then the
application is made and takes part in a worker's start (`workers/startup.py`); the local
stack and the tests use the other rooms without that.
"""

from __future__ import annotations

import sys
from typing import Any

from tasks.errors import SettingsError
from tasks.exit_codes import BAD_INPUT


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from workers import startup
    except SettingsError as exc:
        # Celery's command would answer with a page of traceback.
        print(f"slotline: {exc}", file=sys.stderr, flush=True)
        raise SystemExit(BAD_INPUT) from exc
    app = globals()["app"] = startup.application()
    return app
