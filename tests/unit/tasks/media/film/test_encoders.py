"""The encoder is the one that was asked for, or the best one that works; else one line says what was looked for."""

from __future__ import annotations

from collections.abc import Iterator

import av
import pytest

from tasks.errors import MissingExtra
from tasks.media.encoding import Encoding
from tasks.media.film import encoders
from tasks.media.film.encoders import BEST_FIRST, configure, encoder_of


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    encoder_of.cache_clear()
    yield
    encoder_of.cache_clear()


def only(monkeypatch: pytest.MonkeyPatch, *working: str) -> None:
    """A machine on which these encoders work, and no others."""
    monkeypatch.setattr(encoders, "_fault", lambda name: None if name in working else "does not work on this machine")


def test_auto_is_an_encoder_that_works_here() -> None:
    assert encoder_of("auto") in BEST_FIRST
    assert encoder_of(encoder_of("auto")) == encoder_of("auto")


@pytest.mark.parametrize(
    ("working", "taken"),
    [
        (("h264_qsv", "libopenh264", "libx264"), "libx264"),
        (("h264_qsv", "libopenh264"), "libopenh264"),
        (("h264_qsv", "h264_nvenc"), "h264_nvenc"),
    ],
)
def test_auto_takes_the_first_that_works(monkeypatch: pytest.MonkeyPatch, working: tuple[str, ...], taken: str) -> None:
    only(monkeypatch, *working)
    assert encoder_of("auto") == taken


def test_where_none_works_one_line_says_what_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    with pytest.raises(MissingExtra) as refused:
        encoder_of("auto")
    assert str(refused.value) == (
        "encoder: none of H.264 works here, looked for libx264, libopenh264, h264_nvenc, h264_qsv, h264_amf, "
        "h264_videotoolbox, h264_mf; run: pip install 'slotline[av]'"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x264", f"encoder: 'x264' is not an encoder of the installed PyAV {av.__version__}; use 'auto', or another"),
        ("mpeg4", "encoder: 'mpeg4' makes no H.264; use 'auto', or another of libx264, "),
    ],
)
def test_an_encoder_that_cannot_be_used_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(MissingExtra) as refused:
        encoder_of(name)
    assert str(refused.value).startswith(reason)


def test_an_encoder_that_is_listed_but_does_not_open_here_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: object, width: int, height: int, encoding: Encoding) -> None:
        configure(context, width, height, Encoding(encoding.encoder, "no preset", encoding.crf))

    monkeypatch.setattr(encoders, "configure", broken)
    with pytest.raises(
        MissingExtra, match=r"^encoder: 'libx264' does not work on this machine \(Invalid argument\); use"
    ):
        encoder_of("libx264")
