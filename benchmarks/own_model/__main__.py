"""One network behind slotline, Ray Serve and LitServe: lines written, requests a second, what a killed worker costs.

    python -m benchmarks.own_model [--ray PYTHON] [--pairs 5] [--kills 3] [--inputs 1000] [--seconds 3] [--only NAME…]

The network is Magika's, which tells what kind of file a text is; it takes 4 ms on one thread, in a batch too. Each
system has one process with it. `--ray` is the interpreter of an environment with ray[serve] and magika (`make bench`
makes one); without it Ray Serve is left out. In turn, several rounds, each system is started; then one client asks,
then 16 at once, then all inputs are asked for together. Every answer is compared with that of the network alone. Then
the process with the network is killed while 16 clients ask, several rounds. Prints two Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from functools import partial

from benchmarks.own_model import killed, speed, systems
from benchmarks.own_model.network import Network
from benchmarks.own_model.speed import Load, Start
from benchmarks.own_model.systems import EXAMPLE, HERE, lines_of
from benchmarks.rig import line, machine, rig, table

OURS, LITSERVE, RAY = "slotline", "LitServe", "Ray Serve"
DEFAULT = "LitServe without `restart_workers`"
NETWORK = HERE / "network.py"
FILES = {
    OURS: [EXAMPLE / name for name in ("slotline_filetype.py", "models.toml", "pyproject.toml")],
    LITSERVE: [HERE / "on_litserve.py", NETWORK],
    RAY: [HERE / "on_ray.py", NETWORK],
}


def main() -> None:
    """Run it and print the tables."""
    asked = arguments()
    starts: dict[str, Start] = {OURS: systems.slotline, LITSERVE: systems.litserve}
    if asked.ray:
        starts[RAY] = partial(systems.ray_serve, asked.ray)
    starts = {name: start for name, start in starts.items() if name in (OURS, *asked.only)}
    with rig() as bench:
        print(f"## own_model: {asked.inputs} inputs together, {asked.pairs} rounds in turn\n")
        ray = f"; ray {version_of_ray(asked.ray)}" if RAY in starts else ""
        print(machine(bench.client, ["celery", "onnxruntime", "magika", "litserve"]) + ray + "\n")
        network = Network()
        print(table(speed.HEAD, []))
        for name, *cells in speed.rows(bench, network, starts, Load(asked.seconds, asked.inputs), asked.pairs):
            print(line([name, str(sum(map(lines_of, FILES[name]))), *cells]), flush=True)
        if LITSERVE in starts:
            starts[DEFAULT] = lambda bench: systems.litserve(bench, "--no-restart")
        if asked.kills:
            print("\n" + table(killed.HEAD, []))
            for row in killed.rows(bench, network, starts, asked.kill_seconds, asked.kills):
                print(line(row), flush=True)
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}\n")


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", metavar="PYTHON", help="of an environment with ray[serve] and magika")
    parser.add_argument("--pairs", type=int, default=5, help="how many rounds")
    parser.add_argument("--kills", type=int, default=3, help="how many rounds with a kill")
    parser.add_argument("--inputs", type=int, default=1000, help="how many are asked for together")
    parser.add_argument("--seconds", type=float, default=3.0, help="for so long clients ask")
    parser.add_argument("--kill-seconds", type=float, default=15.0, help="for so long they ask, with a kill")
    parser.add_argument("--only", nargs="+", choices=(LITSERVE, RAY), default=[LITSERVE, RAY], help="beside slotline")
    return parser.parse_args()


def version_of_ray(python: str) -> str:
    """What that interpreter has."""
    command = [python, "-c", "import importlib.metadata as m; print(m.version('ray'))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
