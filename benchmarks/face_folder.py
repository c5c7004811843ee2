"""A face's folder for benchmarks, as the replaced lip-sync server has them: a network, pictures, rectangles.

The pictures are smooth with a little noise, so that they are about as hard to decode and to encode as those of a person
before a plain wall: at 1280 × 720 a PNG has 1.1 MB and a JPEG 190 KB. The sources are PNG or JPEG pictures, or a film.
The network and the audio encoder are random (`benchmarks/random_face.py`). OpenCV is imported inside functions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import random_face
from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH, HEIGHT = 1280, 720
RECTANGLE = 180
"""The face's sides in pixels: 173 to 189 in a real folder."""
SOURCES = ("png", "jpg", "film")
PAN_PIXELS = 2
"""How far the scene moves from frame to frame."""
NOISE, SEED = 1.1, 7


def write(
    folder: Path, source: str, frames: int, size: tuple[int, int] = (WIDTH, HEIGHT), is_tiny: bool = False
) -> Path:
    """Write a face of so many frames to `folder`, and the audio encoder beside it; returns `folder`."""
    channels = random_face.TINY if is_tiny else random_face.CHANNELS
    random_face.network(folder / "checkpoint" / "model_best.onnx", channels)
    random_face.encoder(folder.parent / "audio_encoder.onnx", *([1] if is_tiny else []))
    pictures = scene(frames, size)
    if source == "film":
        film = encode_stretch(pictures, Encoding(preset="veryfast", crf=18))
        (folder / "full_body_video.mp4").write_bytes(film.data)
    else:
        (folder / "frames").mkdir()
        for number, picture in enumerate(pictures):
            (folder / "frames" / f"frame_{number:04d}.{source}").write_bytes(_encoded(picture, source))
    (folder / "crop_rects.json").write_text(json.dumps([_rectangle(number, size) for number in range(frames)]))
    return folder


def scene(frames: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """So many pictures, BGR `[height, width, 3]`, of a scene that moves slowly."""
    import cv2
    import numpy as np

    random = np.random.default_rng(SEED)
    width, height = size
    wide = width + PAN_PIXELS * frames
    coarse = random.uniform(40, 215, (height // 80 + 2, wide // 80 + 2, 3)).astype(np.float32)
    fine = random.normal(0, 6, (height // 8 + 2, wide // 8 + 2, 1)).astype(np.float32)
    still = cv2.resize(coarse, (wide, height), interpolation=cv2.INTER_CUBIC)
    still += cv2.resize(fine, (wide, height), interpolation=cv2.INTER_CUBIC)[:, :, None]
    for number in range(frames):
        shown = still[:, PAN_PIXELS * number :][:, :width]
        noise = random.normal(0, NOISE, (height, width, 1)).astype(np.float32)
        yield (shown + noise).clip(0, 255).astype(np.uint8)


def _rectangle(number: int, size: tuple[int, int]) -> list[int]:
    width, height = size
    side = min(RECTANGLE, height // 2) - number % 5
    left, top = (width - side) // 2 + number % 7, (height - side) // 3
    return [left, top, left + side, top + side]


def _encoded(picture: NDArray[np.uint8], source: str) -> bytes:
    import cv2

    how: list[Any] = [cv2.IMWRITE_JPEG_QUALITY, 95] if source == "jpg" else []
    is_done, data = cv2.imencode(f".{source}", picture, how)
    assert is_done
    return bytes(data.tobytes())
