"""When a text is spoken: told by a model, and found in every result at its real place in the sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from producer import Client
from tasks.errors import PartsFailed
from tasks.media.pieces import Pieces
from tasks.redis import keys
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartPair

CATALOG = """
[models.timed]
adapter = "rehearsal"
timed = true
signed = true
faults = true
batch_size = 8

[models.plain]
adapter = "rehearsal"
"""
TEXT = "Bà nói: “Con về!” Ông cười. Rồi thôi.\n\n* * *\n\nA second one, of one sentence.\n\nThe third. And its end."
SENTENCES = ["Bà nói: “Con về!” Ông cười.", "Rồi thôi.", "A second one, of one sentence.", "The third.", "And its end."]
FIRST = [0, 2, 3]
"""The sentences with which a part begins."""


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def begins_of_parts(path: Path) -> list[float]:
    """When the parts of a file begin, by the samples with which each signed one begins."""
    samples, rate = soundfile.read(path)
    loud = np.flatnonzero(samples)
    begins = loud[np.diff(loud, prepend=-rate) > 1]
    return [float(begin) / rate for begin in begins]


def check(pieces: Pieces | None, path: Path, texts: Sequence[str], first: Sequence[int]) -> None:
    """These texts, in order; each part where its samples are, the last to the end; the words inside, in order."""
    assert pieces is not None
    assert [piece.text for piece in pieces] == list(texts)
    assert [pieces[index].start_s for index in first] == pytest.approx(begins_of_parts(path), abs=0.001)
    assert pieces[-1].end_s == pytest.approx(soundfile.info(path).duration, abs=0.001)
    for piece in pieces:
        times = [piece.start_s, *(time for word in piece.words for time in word[1:]), piece.end_s]
        assert times == sorted(times)
    assert [word.text for piece in pieces for word in piece.words] == " ".join(texts).split()


def test_every_result_tells_when_its_text_is_spoken_and_the_ledger_carries_none_of_it(
    client: Client, start_pair: StartPair, redis_client: Any, tmp_path: Path
) -> None:
    start_pair("timed")
    chapter = client.submit_chapter(TEXT, model="timed")
    made = chapter.wait(GIVE_UP_S)
    [path] = chapter.save(tmp_path / "chapter.wav")
    check(made.pieces, path, SENTENCES, FIRST)
    assert chapter.pieces() == [made.pieces]
    assert made.audio is not None
    assert client.pieces(made.audio) == made.pieces
    ledgers = [redis_client.hgetall(keys.job(chapter.id)), client.ledger.queries.outcomes(chapter.id)]
    assert not any("pieces" in repr(one) for one in ledgers)

    paragraph = client.submit_paragraph(" The third. And its end.\n", model="timed")
    spoken = paragraph.wait(GIVE_UP_S)
    [path] = paragraph.save(tmp_path / "paragraph.wav")
    check(spoken.pieces, path, SENTENCES[3:], [0])

    book = client.submit_book([{"text": TEXT}, {"text": "***"}, {"text": "The third. And its end."}], model="timed")
    assert [one.pieces for one in book.wait(GIVE_UP_S).chapters] == [None, None, None]
    first, none, last = book.pieces()
    assert (first, none) == (made.pieces, None)
    check(last, book.save(tmp_path / "book")[1], SENTENCES[3:], [0])

    inputs = client.map("timed", [{"text": "The third. And its end."}])
    inputs.wait(GIVE_UP_S)
    assert inputs.pieces() == [last]

    failing = client.submit_chapter("⚡error.\n\nThe third. And its end.\n\n⚡error!\n\nRồi thôi.", model="timed")
    with pytest.raises(PartsFailed, match=r"2 of 4 .* is kept: chapter/") as failed:
        failing.wait(GIVE_UP_S)
    name = str(failed.value).rpartition(" ")[2]
    client.store.fetch(name, tmp_path / "kept.wav")
    check(client.pieces(name), tmp_path / "kept.wav", [*SENTENCES[3:], "Rồi thôi."], [0, 2])


def test_a_model_that_tells_no_times_gives_one_piece_for_each_part(
    client: Client, start_pair: StartPair, tmp_path: Path
) -> None:
    start_pair("plain")
    chapter = client.submit_chapter("One.\n\nTwo and three.", model="plain")
    made = chapter.wait(GIVE_UP_S)
    assert made.pieces is not None
    assert [(one.text, one.words) for one in made.pieces] == [("One.", ()), ("Two and three.", ())]
    assert made.pieces[1].start_s == pytest.approx(made.pieces[0].end_s + 0.6, abs=0.001)
    assert made.pieces[-1].end_s == pytest.approx(made.duration_s, abs=0.001)
    assert [one.text for one in client.submit_paragraph("One.", model="plain").wait(GIVE_UP_S).pieces or ()] == ["One."]
