"""What stands behind the data of a small artifact: found at the end of the file, or taken for none."""

from __future__ import annotations

from tasks.store.names import Artifact
from tasks.store.trailer import LOOK_BYTES, from_trailer, trailer_bytes, trailer_of

DATA = b"12345"
SHA256 = "0123456789abcdef" * 4
ARTIFACT = Artifact("speech/ab/abc.wav", 5, SHA256, {"frames": 7, "words": "xin chào"})
WHOLE = DATA + trailer_of(ARTIFACT)


def test_a_trailer_written_by_this_version_is_read_by_all_later_ones() -> None:
    fields = b'{"bytes": 5, "sha256": "%b", "details": {"frames": 7}}' % SHA256.encode()
    # The CRC-32: printf '%s' '{"bytes": 5, …}' | gzip -c | tail -c8 | head -c4, the last byte first
    trailer = b"\n%b\nslotline 00000074 004a3df5\n" % fields
    assert trailer_of(Artifact("speech/ab/abc.wav", 5, SHA256, {"frames": 7})) == trailer


def test_the_artifact_is_read_from_the_end_of_its_file() -> None:
    size = trailer_bytes(WHOLE)
    assert WHOLE[-size:] == trailer_of(ARTIFACT)
    for end in (WHOLE, WHOLE[-size:], WHOLE[-size - 1 :]):
        assert from_trailer(ARTIFACT.name, end, len(WHOLE)) == ARTIFACT
    assert size < LOOK_BYTES, "one look is enough"


def test_a_file_that_ends_too_soon_has_none() -> None:
    for cut in range(1, len(WHOLE) + 1):
        assert from_trailer(ARTIFACT.name, WHOLE[:-cut], len(WHOLE) - cut) is None


def test_a_trailer_with_one_wrong_byte_is_none() -> None:
    for at in range(len(DATA) + 1, len(WHOLE)):
        changed = WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :]
        assert from_trailer(ARTIFACT.name, changed, len(changed)) is None


def test_a_file_that_lost_bytes_in_between_or_has_more_is_not_whole() -> None:
    for data in (DATA[1:], DATA + b"6", b""):
        assert from_trailer(ARTIFACT.name, data + trailer_of(ARTIFACT), len(data) + len(WHOLE) - 5) is None


def test_of_data_that_itself_ends_with_a_trailer_the_last_one_counts() -> None:
    outer = Artifact("speech/ab/abd.wav", len(WHOLE), SHA256, {})
    whole = WHOLE + trailer_of(outer)
    assert from_trailer(outer.name, whole, len(whole)) == outer


def test_a_length_that_no_file_has_is_none() -> None:
    end = b"x" * 100 + b"\nslotline ffffffff 00000000\n"
    assert trailer_bytes(end) > 2**32 - 1
    assert from_trailer(ARTIFACT.name, end, len(end)) is None
