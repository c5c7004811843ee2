"""Prepares the frames of a face: chooses the form that decodes fastest here, and writes them in it, once.

It is whole or not there at all: it is written into a folder of its own, which then gets its name. The originals are
not touched. Of a face that is prepared nothing is done again, unless its frames have changed. One process prepares a
face at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InvalidInput, MissingExtra, SettingsError
from workers.adapters.lipsync.folder import FaceFolder
from workers.adapters.lipsync.frames.files import FrameFiles
from workers.adapters.lipsync.frames.forms import FilmForm, Form, PictureForm, decode_s
from workers.adapters.lipsync.frames.prepared import FOLDER, About, fault_of, frames_in, is_same, read_about
from workers.adapters.lipsync.frames.source import Source, source_of

WORK = ".prepared.part"
SAMPLE = 72
"""How many frames the forms are measured with: more than an opened film keeps, so that reading backwards costs what it
costs where hundreds of frames need the one before them."""
GAIN = 0.9
"""A form is worth its room if a frame takes at most this share of the time that it takes now."""

Step = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What a frame takes in a form: seconds of a core to decode it, and bytes."""

    form: str
    decode_s: float
    bytes: float


@dataclass(frozen=True)
class Report:
    """What was done with a face: `costs` of all forms that were measured, of the frames as they are first.

    `chosen` is None where no form is better. Where the face was prepared before, nothing was measured.
    """

    frames: int
    size: tuple[int, int]
    costs: Sequence[Cost] = ()
    chosen: Cost | None = None
    bytes: int = 0


def prepare(face: FaceFolder, wanted: str | None, quality: int, step: Step) -> Report:
    """Prepare a face in the best form, or in the one that is wanted (`jpg`, `film`, `bmp`), whatever that costs.

    `step` is called after each frame; an error that it raises ends the work, and leaves nothing behind. Raises
    `ModelLoadError` or `ModelError` for frames that are damaged, `MissingExtra`, and `SettingsError` where the folder
    cannot be written to.
    """
    source, size = face.opened()
    with contextlib.closing(source), _writing(face.path), _alone(face.path):
        if _is_prepared(face.path, face.frames, wanted):
            return Report(source.count, size)
        with _work_folder(face.path) as work:
            forms = forms_for(size, wanted, quality)
            costs = _compare(face, source, forms, work, step)
            chosen = min(costs[1:], key=lambda one: one.decode_s)
            if wanted is None and chosen.decode_s > GAIN * costs[0].decode_s:
                return Report(source.count, size, costs)
            _need_room(face.path, chosen.bytes * source.count)
            form = next(one for one in forms if one.name == chosen.form)
            written = _write(face, source, size, form, work, step)
            _put_in_place(work, face.path / FOLDER)
    return Report(source.count, size, costs, chosen, written)


def forms_for(size: tuple[int, int], wanted: str | None, quality: int) -> Sequence[Form]:
    """The forms to choose from, or the one that is wanted. A film has even sides, so it is none for an odd one."""
    is_odd = bool(size[0] % 2 or size[1] % 2)
    if wanted is None:
        jpeg = PictureForm("jpg", quality)
        return [jpeg] if is_odd else [jpeg, FilmForm()]
    if wanted != "film":
        return [PictureForm(wanted, quality)]
    if is_odd:
        raise InvalidInput(f"--format: a film has even sides, but these frames have {size[0]}×{size[1]} pixels")
    return [FilmForm()]


def _is_prepared(face: Path, frames: FrameFiles, wanted: str | None) -> bool:
    try:
        about = read_about(face)
        if about is None or wanted not in (None, about.format) or not is_same(face / about.of, frames.place):
            return False
        return not fault_of(face, about)
    except (ValueError, OSError):
        return False


def _compare(face: FaceFolder, source: Source, forms: Sequence[Form], work: Path, step: Step) -> list[Cost]:
    """What a frame costs as it is, and in each form that works here, measured with some frames in the middle."""
    begin = max(0, (source.count - SAMPLE) // 2)
    numbers = range(begin, min(source.count, begin + SAMPLE))
    as_is = face.frames.files[0].suffix.lower()
    costs = [Cost(f"as it is ({as_is})", decode_s(source, numbers), face.frames.bytes() / source.count)]
    for form in forms:
        sample = work / form.name
        sample.mkdir()
        try:
            files = form.write(source.read, numbers, sample, step)
        except MissingExtra:
            if len(forms) > 1:  # without PyAV there is no film
                continue
            raise
        written = frames_in(sample, files, form.name, source.size)
        with contextlib.closing(source_of(written)) as sample_source:
            costs.append(Cost(form.name, decode_s(sample_source, range(len(numbers))), written.bytes() / len(numbers)))
        shutil.rmtree(sample)
    return costs


def _write(face: FaceFolder, source: Source, size: tuple[int, int], form: Form, work: Path, step: Step) -> int:
    """Write all frames and what they are of; returns the bytes."""
    of_digest = face.frames.digest()
    files = form.write(source.read, range(source.count), work, step)
    frames = frames_in(work, files, form.name, size)
    of = os.path.relpath(face.frames.place, face.path)
    About(form.name, files, *size, frames.digest(), of, of_digest).write(work)
    return frames.bytes()


@contextlib.contextmanager
def _work_folder(face: Path) -> Iterator[Path]:
    """An empty folder to work in, which is gone afterwards; also what an earlier process has left there."""
    work = face / WORK
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put_in_place(work: Path, target: Path) -> None:
    """Give what is whole its name, when it is on the disk. What was there before is removed first."""
    for path in (*work.iterdir(), work):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    if target.exists():
        shutil.rmtree(target)
    work.rename(target)


def _need_room(folder: Path, need_bytes: float) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < need_bytes:
        raise SettingsError(
            f"{folder}: needs {need_bytes / 1e6:,.0f} MB for its frames, but only {free_bytes / 1e6:,.0f} MB are free"
        )


@contextlib.contextmanager
def _alone(face: Path) -> Iterator[None]:
    """Hold the kernel's lock on the folder, which ends with this process; raises `SettingsError` if another has it."""
    folder = os.open(face, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise SettingsError(f"{face}: another process prepares it now") from exc
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _writing(face: Path) -> Iterator[None]:
    """Say in one line what cannot be written."""
    try:
        yield
    except OSError as exc:
        raise SettingsError(f"{exc.filename or face}: cannot be written ({exc.strerror})") from exc
