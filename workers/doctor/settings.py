"""Findings about the environment variables: wrong values, typing errors, and which stack or broker they lead to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping

from tasks.settings import Settings, without_password
from tasks.stacks import run_folder
from tasks.stacks.running import running
from tasks.terminal.unknown_settings import unknown_settings
from workers.doctor.finding import Finding, fine, note, wrong

AGAIN = "write its name as docs/settings.md has it, or unset it"


def of_variables(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What is set here, and a line for each name that slotline does not know."""
    unknown = unknown_settings(environment)
    for line in unknown:
        yield wrong("settings", line, AGAIN)
    known = {field.alias for field in Settings.model_fields.values()}
    given = sorted(name for name in environment if name in known and environment[name])
    if not unknown:
        yield fine(
            "settings", f"set here: {', '.join(given)}" if given else "no variable is set: all have their defaults"
        )


def of_stacks() -> Iterator[Finding]:
    """The stacks of this user that run on this machine."""
    folder = run_folder.run_folder()
    if os.path.lexists(folder) and not run_folder.is_private(folder):
        what = f"the folder {folder} is not this user's alone: no stack can start, and none is found"
        yield wrong("stack", what, f"chmod 700 {folder}, or set XDG_RUNTIME_DIR to a folder of your own")
        return
    found = running()
    for one in found:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.started))
        yield fine("stack", f"runs here since {since} (pid {one.pid}): {without_password(one.broker_url)}")
    if not found:
        yield note("stack", "none runs on this machine", "`slotline up` starts one: Redis, a flow worker and slots")
