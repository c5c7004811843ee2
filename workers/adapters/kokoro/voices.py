"""The voices of a Kokoro model, from a folder or a file: `NAME.bin`, `NAME.pt`, or an archive with all of them.

A voice is a table of styles, float32 `[N, 256]`: row n - 1 is for n phonemes. `.bin` has the bare numbers (as kokoro-js
has them), `.pt` is a tensor (as hexgrad/Kokoro-82M has them), `.npz` and `voices-v1.0.bin` are numpy's archives (as
kokoro-onnx has them). All three are read without torch, and nothing in them is executed. The same numbers have the same
digest in each format. A file that cannot be used costs only the requests for its voice.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.errors import InvalidInput
from workers.adapters import voice_names
from workers.adapters.hardware import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STYLE = 256
"""Numbers of a style."""

SUFFIXES = (".pt", ".npz", ".bin")
"""For two files of one voice the last suffix is used."""


@dataclass(frozen=True)
class VoiceFile:
    """Where a voice is: its file, and its name in it if the file is an archive of voices."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({self.member})" if self.member else str(self.path)


@dataclass(frozen=True)
class Known:
    """What is known of a voice: a digest of its numbers, or why it cannot be used."""

    digest: str = ""
    fault: str = ""


def found(folder: Path, wanted: str = "") -> dict[str, VoiceFile]:
    """Voice name -> where it is, sorted; empty if there is none. `wanted` is a folder or a file in `folder`."""
    places = [folder / wanted] if wanted else [*_archives(folder), folder / "voices"]
    voices: dict[str, VoiceFile] = {}
    for place in places:
        files = [place] if place.is_file() else sorted(place.iterdir()) if place.is_dir() else []
        files = [path for path in files if path.suffix.lower() in SUFFIXES and path.is_file()]
        for path in sorted(files, key=lambda path: SUFFIXES.index(path.suffix.lower())):
            voices.update(_in_file(path))
    return dict(sorted(voices.items()))


def known(voices: Mapping[str, VoiceFile]) -> dict[str, Known]:
    """Each voice's digest, or why it cannot be used. Reads all of them: half a megabyte each."""
    told = {}
    for name, file in voices.items():
        try:
            told[name] = Known(digest=digest(styles(file)))
        except InvalidInput as exc:
            told[name] = Known(fault=str(exc))
    return told


def digest(table: NDArray[np.float32]) -> str:
    """The SHA-256 of a voice's numbers."""
    return hashlib.sha256(table.tobytes()).hexdigest()


def styles(file: VoiceFile) -> NDArray[np.float32]:
    """The voice's table, `[N, 256]`; raises `InvalidInput` that says what is wrong with the file."""
    import numpy as np

    try:
        content = _numbers(file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise InvalidInput(f"{file} cannot be read: {one_line(exc)}") from exc
    if not content.size or content.size % STYLE:
        raise InvalidInput(f"{file} is no voice: it has {content.size} numbers, which is not a multiple of {STYLE}")
    if not np.isfinite(content).all():
        raise InvalidInput(f"{file} is no voice: it has values that are no numbers")
    return content.reshape(-1, STYLE)


def style(table: NDArray[np.float32], phonemes: int) -> NDArray[np.float32]:
    """The style for that many phonemes, `[256]`; the table's last one if there are more."""
    row: NDArray[np.float32] = table[min(max(phonemes, 1), len(table)) - 1]
    return row


def named(voices: Mapping[str, object], wanted: str) -> str:
    """The voice's name for `wanted`, ignoring case; raises `UnknownVoice` with similar names."""
    return voice_names.named(voices, wanted, "Kokoro")


def _archives(folder: Path) -> list[Path]:
    """Files beside the weights that hold voices: `voices.npz`, `voices-v1.0.bin`."""
    return sorted(path for path in folder.glob("voices*") if path.is_file())


def _in_file(path: Path) -> Iterator[tuple[str, VoiceFile]]:
    """The voices in a file: those of an archive, else the one that has the file's name."""
    if path.suffix.lower() != ".pt" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [Path(name) for name in archive.namelist()]
        yield from ((name.stem, VoiceFile(path, name.stem)) for name in names if name.suffix == ".npy")
    elif path.suffix.lower() != ".npz":
        yield path.stem, VoiceFile(path)


def _numbers(file: VoiceFile) -> NDArray[np.float32]:
    import numpy as np

    read: Callable[[Path], NDArray[np.float32]]
    if file.member:
        with np.load(file.path, allow_pickle=False) as archive:
            table = archive[file.member]
            if not np.issubdtype(table.dtype, np.floating):
                raise ValueError(f"its numbers are {table.dtype}")
            return np.ascontiguousarray(table, dtype=np.float32).reshape(-1)
    read = _tensor if file.path.suffix.lower() == ".pt" else _bare
    return read(file.path)


def _bare(path: Path) -> NDArray[np.float32]:
    import numpy as np

    content = path.read_bytes()
    if len(content) % 4:
        raise ValueError(f"{len(content)} bytes are not float32")
    return np.frombuffer(content, dtype="<f4")


def _tensor(path: Path) -> NDArray[np.float32]:
    """The one float32 tensor that `torch.save` wrote: its numbers lie bare in the archive."""
    import numpy as np

    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("/data.pkl")]
        stored = [name for name in names if "/data/" in name]
        if len(pickles) != 1 or len(stored) != 1 or b"FloatStorage" not in archive.read(pickles[0]):
            raise ValueError("it is not one float32 tensor")
        return np.frombuffer(archive.read(stored[0]), dtype="<f4")
