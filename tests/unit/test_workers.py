"""What `celery -A workers` finds: the application, made when it is asked for, or one line why there is none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.fixtures.processes import ROOT

pytestmark = pytest.mark.usefixtures("own_environment")


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own: the application takes part in the start of every worker of the process that has it."""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_to_import_the_package_loads_neither_celery_nor_its_own_rooms() -> None:
    said = python(
        "import sys, workers\n"
        "print([name for name in sys.modules if name in ('celery', 'redis') or name.startswith('workers.')])"
    )
    assert said.stdout == "[]\n", said.stderr


def test_the_application_is_made_once_and_knows_the_tasks_and_the_option_of_a_slot() -> None:
    said = python(
        "import workers\n"
        "assert workers.app is workers.app\n"
        "workers.app.loader.import_default_modules()\n"
        "print('speech.paragraph' in workers.app.tasks, len(workers.app.user_options['worker']))"
    )
    assert said.stdout == "True 2\n", said.stderr


def test_a_setting_that_cannot_be_used_is_one_line_and_status_2() -> None:
    said = python("import workers; workers.app", SLOTLINE_CPU_SLOTS="none")
    assert said.returncode == 2
    assert said.stderr.startswith("slotline: SLOTLINE_CPU_SLOTS")
    assert said.stderr.count("\n") == 1


def test_another_name_is_an_attribute_error_as_of_any_module() -> None:
    import workers

    with pytest.raises(AttributeError, match="module 'workers' has no attribute 'application'"):
        workers.application  # noqa: B018
