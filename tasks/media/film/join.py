"""Joins stretches of film and a sound to one mp4. A first version."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Self

from tasks.media.film.pyav import load
from tasks.media.film.sound import probe_sound, sound_samples

FPS = 25


@dataclass(frozen=True)
class FilmAbout:
    """A film's size in pixels and frames."""

    width: int
    height: int
    frames: int


class FilmWriter:
    """Writes a film."""

    def __init__(self, out: Path | BinaryIO, sound: Path | None, *, fragmented: bool, name: str = "") -> None:
        av = load("film")
        flags = "frag_keyframe+empty_moov+default_base_moof" if fragmented else "faststart"
        self._out = av.open(str(out) if isinstance(out, Path) else out, "w", format="mp4", options={"movflags": flags})
        self._sound, self._name = sound, name
        self._video: Any = None
        self._audio: Any = None
        self._samples: Any = None
        self._rate = self._fed = self.frames = self.width = self.height = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()

    def add(self, stretch: bytes) -> None:
        """Add a stretch."""
        av = load("film")
        with av.open(io.BytesIO(stretch)) as source:
            first = source.streams.video[0]
            if self._video is None:
                self._begin(first)
            base = first.time_base
            for packet in source.demux(first):
                if packet.dts is None:
                    continue
                at = self.frames
                packet.pts = packet.dts = int(Fraction(at, FPS) / base)
                packet.stream = self._video
                self.frames += 1
                self._out.mux(packet)
        self._feed()

    def _begin(self, first: Any) -> None:
        self._video = self._out.add_stream_from_template(first)
        self.width, self.height = first.width, first.height
        if self._sound:
            about = probe_sound(self._sound, self._name)
            self._rate, channels = about.rate, min(2, about.channels)
            self._audio = self._out.add_stream("aac", rate=self._rate, layout="mono" if channels == 1 else "stereo")
            self._samples = sound_samples(self._sound, self._rate, channels, "fltp", self._name)

    def _feed(self, last: bool = False) -> None:
        import numpy as np

        av = load("film")
        until = self.frames * self._rate // FPS
        while self._audio is not None and self._fed < until:
            piece = next(self._samples, None)
            if piece is None:
                return
            piece = np.ascontiguousarray(piece[:, : until - self._fed]) if last else piece
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self._audio.layout.name)
            frame.sample_rate, frame.pts = self._rate, self._fed
            self._fed += piece.shape[1]
            self._out.mux(self._audio.encode(frame))

    def finish(self) -> FilmAbout:
        """End the film."""
        self._feed(last=True)
        if self._audio is not None:
            self._out.mux(self._audio.encode(None))
        self._out.close()
        return FilmAbout(self.width, self.height, self.frames)
