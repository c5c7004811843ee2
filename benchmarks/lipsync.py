"""Faces that speak: what a slot needs besides its network, and a conversation of many people.

    python -m benchmarks.lipsync [--only stages conversation] [--people 40 60 80 88] [--seconds 75] [--where]

«conversation»: people who each speak 4 s in 15 with faces on four slots of 150 frames a second: the share of frames
that are out in time (`benchmarks/conversation.py`); with `--where` also where the time of a stretch goes.
Prints Markdown tables, a row as soon as it is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks import conversation
from benchmarks.rig import Rig, line, machine, rig, table

PARTS = ("conversation",)


def talk(bench: Rig, given: argparse.Namespace) -> None:
    """Print the conversation's tables."""
    clock = bench.folder / "film-clock" if given.where else None
    what = f"{given.slots} slots of {conversation.FRAMES_A_SECOND} frames/s, {conversation.SPEAKS_S:g} s of film in "
    print(f"\n### Conversation: {what}{conversation.PERIOD_S:g} s a person, {given.seconds:g} s each\n")
    print(table(conversation.HEAD, []))
    with conversation.running(bench, given.slots, given.flow, clock) as held:
        held.warm_up()
        found = []
        for run, people in enumerate(given.people, 1):
            cells, turns = held.row(people, given.seconds)
            print(line(cells), flush=True)
            found.append((people, turns, run))
    if clock:
        for people, turns, run in found:
            print(f"\n{table([f'{people} people, ms', *conversation.STEPS], conversation.where(turns, run, clock))}")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the caller asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--people", type=int, nargs="+", default=[40, 60, 80, 88])
    parser.add_argument("--seconds", type=float, default=75, help="of each conversation")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--flow", type=int, default=2, help="processes of the flow worker")
    parser.add_argument("--where", action="store_true", help="where the time of a stretch goes")
    return parser.parse_args(given)


def main() -> None:
    """Run it and print the tables."""
    given = arguments()
    with rig() as bench:
        print("## lipsync\n")
        print(machine(bench.client, ["celery", "redis", "av"]))
        if "conversation" in given.only:
            talk(bench, given)


if __name__ == "__main__":
    main()
