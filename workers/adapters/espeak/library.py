"""The espeak-ng library through ctypes: text in, 16-bit sound out.

Written for espeak-ng 1.52 (`speak_lib.h`), the version in the package espeakng-loader. The
library keeps its state for the whole process: one `Library` at a time, used by one
thread (two threads end in SIGSEGV). It knows nothing of slotline's models and requests.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_short, c_ubyte, c_uint, c_void_p
from dataclasses import dataclass
from pathlib import Path

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1  # alone: neither SSML (0x10) nor [[phonemes]] (0x100) are read, and no pause is put at the end
POS_CHARACTER = 1
RATE, VOLUME = 1, 2

SLOWEST_WPM = 80
"""The library does not speak more slowly than this. Above 450 it shortens the sound instead (sonic)."""

_SampleCallback = ctypes.CFUNCTYPE(c_int, POINTER(c_short), c_int, c_void_p)

_COMMANDS = {0: " ", 1: " "}
"""U+0000 would end the text, U+0001 opens a command in it."""


class LibraryError(Exception):
    """The library could not be opened, or answered a call with an error."""


class _Voice(Structure):
    _fields_ = (
        ("name", c_char_p),
        ("languages", c_void_p),
        ("identifier", c_char_p),
        ("gender", c_ubyte),
        ("age", c_ubyte),
        ("variant", c_ubyte),
        ("xx1", c_ubyte),
        ("score", c_int),
        ("spare", c_void_p),
    )


@dataclass(frozen=True)
class LibraryVoice:
    """A voice: its file's name (`aav/vi-VN-x-south`) and its languages in lower case, the main one first."""

    identifier: str
    languages: tuple[str, ...]


class Library:
    """The opened library. Create it with `open`; `close` frees its memory."""

    def __init__(self, native: ctypes.CDLL, data: Path, sample_rate: int) -> None:
        self._native = native
        self._data = data
        self.sample_rate = sample_rate
        self._pieces: list[bytes] = []
        self._fault: MemoryError | None = None
        # Kept here: the library calls it for as long as it is open.
        self._callback = _SampleCallback(self._take)

    @classmethod
    def open(cls, path: str, data: str) -> Library:
        """Open the library at `path` with the voices in `data`; raises `LibraryError`."""
        try:
            native = ctypes.CDLL(path)
        except OSError as exc:
            raise LibraryError(f"{path} cannot be opened: {exc}") from exc
        _declare(native)
        sample_rate = native.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, os.fsencode(data), INITIALIZE_DONT_EXIT)
        library = cls(native, Path(data), sample_rate)
        # A folder without voices is answered with a sample rate all the same.
        if sample_rate <= 0 or not library.voices():
            library.close()
            raise LibraryError(f"{data} holds no voices")
        native.espeak_SetSynthCallback(library._callback)
        return library

    @property
    def version(self) -> str:
        """The library's version, like `1.52.0`."""
        return str(self._native.espeak_Info(None).decode())

    def data_digest(self) -> str:
        """A short digest of its data (18 MB, 30 ms): other rules or sounds give another."""
        digest = hashlib.blake2b(digest_size=6)
        for file in sorted(path for path in self._data.rglob("*") if path.is_file()):
            digest.update(str(file.relative_to(self._data)).encode() + b"\0")
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def voices(self) -> list[LibraryVoice]:
        """Every voice that the library lists."""
        listed = self._native.espeak_ListVoices(None)
        voices = []
        index = 0
        while listed and listed[index]:
            voice = listed[index].contents
            voices.append(LibraryVoice(voice.identifier.decode(), tuple(_languages(voice.languages))))
            index += 1
        return voices

    def use(self, identifier: str, words_per_minute: int, volume: int) -> None:
        """Take this voice, rate and volume (per cent) for what is spoken next; raises `LibraryError`."""
        # The voice first: it brings a rate of its own.
        if code := self._native.espeak_SetVoiceByName(identifier.encode()):
            raise LibraryError(f"voice {identifier!r} cannot be loaded (code {code})")
        self._native.espeak_SetParameter(RATE, words_per_minute, 0)
        self._native.espeak_SetParameter(VOLUME, volume, 0)

    def speak(self, text: str) -> bytes:
        """The sound of `text`: int16 mono at `sample_rate`. Raises `LibraryError` or `MemoryError`."""
        spoken = text.translate(_COMMANDS).encode("utf-8", "ignore")
        self._pieces, self._fault = [], None
        code = self._native.espeak_Synth(spoken, len(spoken) + 1, 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
        code = code or self._native.espeak_Synchronize()
        pieces, self._pieces = self._pieces, []
        if self._fault is not None:
            raise self._fault
        if code:
            raise LibraryError(f"espeak-ng answered with code {code}")
        return b"".join(pieces)

    def close(self) -> None:
        """Give the library's memory back; nothing may be called after."""
        self._native.espeak_Terminate()

    def _take(self, samples: ctypes._Pointer[c_short], count: int, _events: int | None) -> int:
        """Called by the library for each piece of sound; 1 makes it stop."""
        if not samples or count <= 0:
            return 0
        try:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        except MemoryError as exc:  # ctypes would print it and go on, and the sound would have a hole
            self._fault = exc
            return 1
        return 0


def _declare(native: ctypes.CDLL) -> None:
    """Tell ctypes the types of the calls in use."""
    native.espeak_Initialize.argtypes = [c_int, c_int, c_char_p, c_int]
    native.espeak_Info.argtypes = [POINTER(c_char_p)]
    native.espeak_Info.restype = c_char_p
    native.espeak_ListVoices.argtypes = [POINTER(_Voice)]
    native.espeak_ListVoices.restype = POINTER(POINTER(_Voice))
    native.espeak_SetSynthCallback.argtypes = [_SampleCallback]
    native.espeak_SetSynthCallback.restype = None
    native.espeak_SetVoiceByName.argtypes = [c_char_p]
    native.espeak_SetParameter.argtypes = [c_int, c_int, c_int]
    native.espeak_Synth.argtypes = [
        c_char_p, ctypes.c_size_t, c_uint, c_int, c_uint, c_uint, POINTER(c_uint), c_void_p,
    ]  # fmt: skip
    native.espeak_Synchronize.argtypes = []
    native.espeak_Terminate.argtypes = []


def _languages(address: int | None) -> Iterator[str]:
    """The language tags at `address`: a priority byte and a C string each, ended by a zero byte."""
    while address and c_ubyte.from_address(address).value:
        tag = ctypes.string_at(address + 1)
        yield tag.decode().lower()
        address += len(tag) + 2
