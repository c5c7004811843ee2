"""How a voice or a blend is written, and that all ways to write one blend are one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tasks.errors import InvalidInput, UnknownVoice
from workers.adapters.kokoro import voices
from workers.adapters.kokoro.blends import Blend, parse

VOICES = dict.fromkeys(("af_bella", "af_heart", "bf_emma", "jf_alpha"))


def blend(wanted: str) -> Blend:
    return parse(wanted, lambda name: voices.named(VOICES, name))


@pytest.mark.parametrize(
    ("wanted", "canonical"),
    [
        ("af_heart", "af_heart"),
        ("AF_Heart(3)", "af_heart"),
        ("af_heart+af_heart", "af_heart"),
        ("af_heart+af_bella", "af_bella+af_heart"),
        ("af_heart,af_bella", "af_bella+af_heart"),
        (" af_bella (2) + af_heart( 2 )", "af_bella+af_heart"),
        ("af_heart(2)+af_bella(1)", "af_bella(1)+af_heart(2)"),
        ("af_heart(1)+af_bella(0.5)", "af_bella(1)+af_heart(2)"),
        ("af_heart(0.1)+af_bella(0.2)", "af_bella(2)+af_heart(1)"),
        ("af_heart(0.333333)+af_bella(999999)", "af_bella(3000000)+af_heart(1)"),
        ("af_heart(123456.123456)+af_bella", "af_bella(15625)+af_heart(1929001929)"),
        ("af_heart+af_bella+af_heart", "af_bella(1)+af_heart(2)"),
        ("bf_emma+af_heart+af_bella", "bf_emma+af_bella+af_heart"),
        ("af_heart+bf_emma", "af_heart+bf_emma"),
    ],
)
def test_all_ways_to_write_a_blend_are_one(wanted: str, canonical: str) -> None:
    assert str(blend(wanted)) == canonical
    assert blend(canonical) == blend(wanted)
    assert sum(blend(wanted).shares.values()) == 1


def test_the_first_voice_decides_the_accent_and_the_others_have_their_shares() -> None:
    assert blend("bf_emma(1)+af_heart(3)").first == "bf_emma"
    assert blend("af_heart(3)+bf_emma").shares == {"af_heart": Fraction(3, 4), "bf_emma": Fraction(1, 4)}


@pytest.mark.parametrize("wanted", ["", "af_heart+", "+", "af_heart(2", "af_heart(-1)", "af_heart(x)", "af_heart 2"])
def test_what_is_no_blend_is_refused_with_one_that_is(wanted: str) -> None:
    with pytest.raises(InvalidInput, match=r"^voice: .* cannot be read at .*«a\(2\)\+b\(1\)»"):
        blend(wanted)


def test_weights_of_nothing_and_two_languages_and_unknown_voices_are_refused() -> None:
    with pytest.raises(InvalidInput, match="^voice: in .* the weight of af_heart is 0"):
        blend("af_heart(0)+af_bella")
    with pytest.raises(InvalidInput, match="^voice: af_heart and jf_alpha speak two languages"):
        blend("af_heart+jf_alpha")
    with pytest.raises(UnknownVoice, match="^voice: Kokoro has no voice 'af_bela'; it has af_bella"):
        blend("af_heart+af_bela")
