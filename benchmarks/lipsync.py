"""Faces that speak: what a slot needs besides its network, and a conversation of many people.

    python -m benchmarks.lipsync [--only stages conversation] [--sources png jpg film "png, prepared"]
                                 [--people 40 60 80 88] [--seconds 75] [--where]

«stages»: what each step of a frame takes, and the network's share of a real slot's time, with the network stubbed to
6 ms a frame and the backgrounds as PNG, JPEG, film and prepared PNG (`benchmarks/lipsync_stages.py`).
«conversation»: people who each speak 4 s in 15 with faces on four slots of 150 frames a second: the share of frames
that are out in time (`benchmarks/conversation.py`); with `--where` also where the time of a stretch goes.
Prints Markdown tables, a row as soon as it is measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks import conversation, face_folder, lipsync_stages
from benchmarks.rig import Rig, line, machine, rig, table

PARTS = ("stages", "conversation")
TINY_SIZE, TINY_FRAMES = (128, 96), 10


def stages(bench: Rig, given: argparse.Namespace) -> None:
    """Print the tables of steps, and of slots."""
    wanted = lipsync_stages.Wanted(
        seconds=given.film_seconds,
        frames=TINY_FRAMES if given.tiny else given.frames,
        size=TINY_SIZE if given.tiny else (face_folder.WIDTH, face_folder.HEIGHT),
        network_ms=given.network_ms,
        is_tiny=given.tiny,
        batch=given.batch,
    )
    folders = lipsync_stages.faces(bench, wanted, given.sources)
    what = f"{wanted.size[0]} × {wanted.size[1]}, {wanted.frames} backgrounds, {wanted.network_ms:g} ms a frame"
    print(f"\n### Stages: {what}\n")
    print(table(lipsync_stages.HEAD_ALONE, []))
    for source, folder in folders.items():
        lipsync_stages.catalog(bench, folder, wanted.batch)
        print(line(lipsync_stages.Alone(bench, wanted, folder).row(source)), flush=True)
    print(f"\n{table(lipsync_stages.HEAD_SLOT, [])}")
    for source, folder in folders.items():
        lipsync_stages.catalog(bench, folder, wanted.batch)
        print(line(lipsync_stages.slot_row(bench, source, wanted)), flush=True)
    for folder in folders.values():
        lipsync_stages.remove(folder)


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
    parser.add_argument("--sources", choices=lipsync_stages.SOURCES, nargs="+", default=lipsync_stages.SOURCES)
    parser.add_argument("--network-ms", type=float, default=6, help="of the stubbed network, a frame")
    parser.add_argument("--frames", type=int, default=150, help="how many backgrounds a face has")
    parser.add_argument("--film-seconds", type=int, default=60, help="of the film that a real slot makes")
    parser.add_argument("--batch", type=int, default=25, help="frames that the network computes at once")
    parser.add_argument("--tiny", action="store_true", help="small pictures, only to check that the stages run")
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
        print(machine(bench.client, ["celery", "redis", "av", "onnxruntime", "opencv-python-headless"]))
        if "stages" in given.only:
            stages(bench, given)
        if "conversation" in given.only:
            talk(bench, given)


if __name__ == "__main__":
    main()
