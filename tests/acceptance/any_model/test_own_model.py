"""`examples/own-model` as somebody else uses it: two wheels in an empty environment, Celery's own workers, 1,000 files.

Nothing of this checkout is on the path, `HOME` is an empty folder, and no other variable is set. A slot is killed while
the files are computed, and each answer is compared with that of Magika's own Python API.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.own_model import filetype
from tests.fixtures.processes import ROOT, Process
from tests.fixtures.waiting import GIVE_UP_S

pytestmark = [
    pytest.mark.slow,
    pytest.mark.worker,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("model_packages"),
]

COUNT = 1_000
HUNDREDS = r"done: [2-7]\d\d\n"
"""What the client has printed when the slot is killed: some hundreds are done, and some are not."""

CLIENT = """
import json, sys
from pathlib import Path
from producer import Client

client = Client(sys.argv[1])
files = sorted(Path("files").iterdir())
job = client.map("filetype", [{"file": client.put(path)} for path in files])
results = job.wait(timeout_s=float(sys.argv[2]), on_progress=lambda progress: print("done:", progress.done, flush=True))
Path("answers.json").write_text(json.dumps([client.output_of(result) for result in results]))
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command; fails the test with its output when it does not end well."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=GIVE_UP_S * 3)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that holds the wheels of slotline and of the example, and what they need."""
    folder = tmp_path_factory.mktemp("wheels")
    environment = tmp_path_factory.mktemp("environment")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    for project in (ROOT, filetype.EXAMPLE):
        run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, project, cwd=folder)
    run(sys.executable, "-m", "venv", environment, cwd=folder)
    run(environment / "bin" / "pip", "install", "--quiet", *folder.glob("*.whl"), cwd=folder)
    return environment / "bin"


class Machine:
    """Starts commands of the environment in an empty home, and ends them."""

    def __init__(self, commands: Path, home: Path) -> None:
        self.home = home
        self._commands = commands
        self._environment = {"HOME": str(home), "PATH": f"{commands}:/usr/bin:/bin"}
        self._started: list[Process] = []

    def start(self, *command: str, name: str) -> Process:
        """A command in the home, by its name."""
        words = [str(self._commands / command[0]), *command[1:]]
        self._started.append(Process(words, self.home.parent / f"{name}.log", self._environment, self.home))
        return self._started[-1]

    def worker(self, broker: str, *options: str, name: str) -> Process:
        """Celery's own worker."""
        return self.start("celery", "-A", "workers", "-b", broker, "worker", "-l", "INFO", *options, name=name)

    def close(self) -> None:
        """End what is left, each with its group."""
        for process in self._started:
            process.kill_group()


@pytest.fixture
def machine(installed: Path, tmp_path: Path) -> Iterator[Machine]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(filetype.EXAMPLE / "models.toml", home)
    with contextlib.closing(Machine(installed, home)) as made:
        yield made


def test_a_thousand_files_are_answered_as_magika_does_though_a_slot_is_killed(machine: Machine, broker: str) -> None:
    given = filetype.contents(COUNT)
    (machine.home / "files").mkdir()
    for number, content in enumerate(given):
        (machine.home / "files" / f"{number:04}").write_bytes(content)
    machine.worker(broker, "-Q", "flow", "-c", "1", name="flow").wait_for_log("ready")
    slots = [machine.worker(broker, "--model", "filetype", name=f"slot-{number}") for number in (1, 2)]
    for slot in slots:
        slot.wait_for_log("ready: filetype")
    client = machine.start("python", "-c", CLIENT, broker, str(GIVE_UP_S), name="client")
    client.wait_for_log(HUNDREDS)
    slots[0].kill()
    assert client.wait(GIVE_UP_S) == 0, client.tail()
    answers = json.loads((machine.home / "answers.json").read_text())
    assert len(answers) == COUNT
    assert filetype.differences(answers, given) == []
