"""The command `slotline faces prepare`: the frames of face folders, once, in the form that decodes fastest.

Needs no Redis and no worker. Exit status: 0 when each face is prepared or needs nothing, 1 when one could not be, 2 for
bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tasks.errors import InvalidInput, SlotlineError
from tasks.exit_codes import DONE, FAILED
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.printable import counted, printable

if TYPE_CHECKING:
    from workers.adapters.lipsync.frames.conversion import Cost, Report

INSTALL = "pip install 'slotline[lipsync]'"
NAMES = {"jpg": "JPEG", "film": "H.264", "bmp": "BMP"}


@click.group()
def faces() -> None:
    """Prepare the faces that speak in films."""


@faces.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "jpg", "film", "bmp"]),
    default="auto",
    show_default=True,
    help="auto: JPEG or H.264, whichever decodes faster here; bmp loses nothing, and takes 2.8 MB a frame of 1280×720.",
)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG.")
@click.option(
    "--source", metavar="PLACE", help="The folder of pictures, or the film, if it is not where it usually is."
)
def prepare(folder: Path, form: str, quality: int, source: str | None) -> int:
    """Write the frames of the face in DIR, or of each face folder in it, in the form that decodes fastest.

    They are written once, into the folder `prepared` of the face; the originals stay as they are. Slots that load the
    face then read them from there.
    """
    from workers.adapters import packages

    packages.require(["cv2"], "faces prepare:", INSTALL)
    found = faces_in(folder)
    wanted = None if form == "auto" else form
    has_failed = False
    with Interrupt():
        for face in found:
            try:
                _prepare(face, wanted, quality, source)
            except SlotlineError as exc:
                if len(found) == 1:
                    raise
                click.echo(printable(f"slotline: {face.name}: {exc}"), err=True)
                has_failed = True
    return FAILED if has_failed else DONE


def faces_in(folder: Path) -> list[Path]:
    """The face folders that are meant: the folder itself, or those in it; raises `InvalidInput` if there is none."""
    if not folder.is_dir():
        raise InvalidInput(f"DIR: there is no folder {folder}")
    if _is_face(folder):
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.is_dir() and _is_face(path))
    if not found:
        raise InvalidInput(f"DIR: {folder} is no face folder, and has none in it: no rectangles of a face were found")
    return found


def _is_face(folder: Path) -> bool:
    from workers.adapters.lipsync.rectangles import FORMS

    return any((folder / form).exists() for form in (*FORMS[:2], "landmarks"))


def _prepare(face: Path, wanted: str | None, quality: int, source: str | None) -> None:
    from workers.adapters.lipsync.folder import FaceFolder
    from workers.adapters.lipsync.frames.conversion import prepare as prepare_face

    looked_at = FaceFolder.find(face, source=source, use_prepared=False)
    report = prepare_face(looked_at, wanted, quality, interrupt.check)
    click.echo(printable(words(face.name, report)))


def words(name: str, report: Report) -> str:
    """What was done with a face, in one line. Pure."""
    begin = f"{name}: {counted(report.frames, 'frame')} of {report.size[0]}×{report.size[1]}"
    if not report.costs:
        return f"{begin}: prepared already, nothing to do"
    before, *others = report.costs
    if report.chosen is None:
        return f"{begin}: nothing decodes faster than {_cost(before)}; found {', '.join(map(_cost, others))}"
    share = before.decode_s / report.chosen.decode_s
    said = (
        f"{begin}: {_cost(before)} -> {_cost(report.chosen)}, {share:.1f} times as fast, {report.bytes / 1e6:,.1f} MB"
    )
    left = [one for one in others if one is not report.chosen]
    return f"{said} (not taken: {', '.join(map(_cost, left))})" if left else said


def _cost(cost: Cost) -> str:
    return f"{NAMES.get(cost.form, cost.form)} {cost.decode_s * 1000:.1f} ms and {cost.bytes / 1000:,.0f} kB a frame"
