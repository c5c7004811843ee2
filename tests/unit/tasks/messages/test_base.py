"""Requests: what is taken as it is, and that each refusal is one line that names the field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.errors import InvalidInput
from tasks.messages import MAX_TEXT_CHARS, Audio, BookRequest, ChapterRequest, ChapterResult, ParagraphRequest, Skipped
from tasks.messages.base import timeout_of

Request = ParagraphRequest | ChapterRequest | BookRequest

SPEAKING: dict[str, Any] = {"text": "Xin chào.", "model": "espeak"}
BOOK: dict[str, Any] = {"model": "espeak", "chapters": [{"text": "One."}, {"text_ref": "abc", "title": "Two"}]}

SHARED = [
    ({"model": None}, "model: Input should be a valid string (got None)"),
    ({"model": "A b"}, "model: a name has only a-z, 0-9, '.', '_' and '-' (got 'A b')"),
    ({"model": ""}, "model: String should have at least 1 character (got '')"),
    ({"model": "a" * 65}, "model: String should have at most 64 characters (got 'aaa"),
    ({"voice": ""}, "voice: String should have at least 1 character (got '')"),
    ({"voice": 5}, "voice: Input should be a valid string (got 5)"),
    ({"voice": "v" * 201}, "voice: String should have at most 200 characters (got 'vvv"),
    ({"speed": 0.24}, "speed: Input should be greater than or equal to 0.25 (got 0.24)"),
    ({"speed": 4.01}, "speed: Input should be less than or equal to 4 (got 4.01)"),
    ({"speed": float("nan")}, "speed: Input should be a finite number (got nan)"),
    ({"speed": "1.0"}, "speed: Input should be a valid number (got '1.0')"),
    ({"speed": True}, "speed: Input should be a valid number (got True)"),
    ({"speed": None}, "speed: Input should be a valid number (got None)"),
    ({"spead": 1.0}, "spead: there is no such field; there are: model, timeout_s, voice, speed, "),
]
ONE_TEXT = [
    ({"text": ""}, "text: is empty"),
    ({"text": " \n\t"}, "text: is empty"),
    ({"text": "\x00\x07"}, "text: is empty"),
    ({"text": 5}, "text: Input should be a valid string (got 5)"),
    ({"text": "\ud800"}, "text: Input should be a valid string"),
    ({"text": "x" * (MAX_TEXT_CHARS + 1)}, "text: String should have at most 20000000 characters (got 'xxx"),
]
JOINED = [
    ({"title": 5}, "title: Input should be a valid string (got 5)"),
    ({"title": "t" * 501}, "title: String should have at most 500 characters"),
    ({"max_chars": 19}, "max_chars: Input should be greater than or equal to 20 (got 19)"),
    ({"max_chars": 10_001}, "max_chars: Input should be less than or equal to 10000 (got 10001)"),
    ({"max_chars": 99.5}, "max_chars: Input should be a valid integer (got 99.5)"),
    ({"pause_s": -0.1}, "pause_s: Input should be greater than or equal to 0 (got -0.1)"),
    ({"pause_s": 11}, "pause_s: Input should be less than or equal to 10 (got 11)"),
    ({"sentence_pause_s": -1}, "sentence_pause_s: Input should be greater than or equal to 0 (got -1)"),
    ({"sentence_pause_s": float("inf")}, "sentence_pause_s: Input should be a finite number (got inf)"),
    ({"parallel_paragraphs": 0}, "parallel_paragraphs: Input should be greater than or equal to 1 (got 0)"),
    ({"parallel_paragraphs": 10_001}, "parallel_paragraphs: Input should be less than or equal to 10000"),
]
CHAPTER = [
    ({"text_ref": "abc"}, "text: give it, or text_ref, and not both"),
    ({"text": None}, "text: give it, or text_ref, and not both"),
    ({"text": None, "text_ref": 5}, "text_ref: Input should be a valid string (got 5)"),
    ({"text": None, "text_ref": "r" * 201}, "text_ref: String should have at most 200 characters"),
]
OF_BOOK = [
    ({"chapters": []}, "chapters: List should have at least 1 item"),
    ({"chapters": "One."}, "chapters: Input should be a valid list (got 'One.')"),
    ({"chapters": ["One."]}, "chapters.0: Input should be a valid dictionary"),
    ({"chapters": [{"text": "a"}, {}]}, "chapters.1.text: give it, or text_ref, and not both"),
    ({"chapters": [{"text": "a", "text_ref": "b"}]}, "chapters.0.text: give it, or text_ref, and not both"),
    ({"chapters": [{"text": "a", "voice": "vi"}]}, "chapters.0.voice: there is no such field"),
    ({"parallel_chapters": 0}, "parallel_chapters: Input should be greater than or equal to 1 (got 0)"),
    ({"parallel_chapters": 1001}, "parallel_chapters: Input should be less than or equal to 1000 (got 1001)"),
]
REFUSED = [
    *((ParagraphRequest, SPEAKING, wrong, said) for wrong, said in SHARED + ONE_TEXT),
    *((ChapterRequest, SPEAKING, wrong, said) for wrong, said in SHARED + ONE_TEXT + JOINED + CHAPTER),
    *((BookRequest, BOOK, wrong, said) for wrong, said in SHARED + JOINED + OF_BOOK),
]


@pytest.mark.parametrize(
    ("request_type", "good", "wrong", "said"),
    REFUSED,
    ids=[f"{kind.__name__}-{said.partition(' ')[0]}-{n}" for n, (kind, _, _, said) in enumerate(REFUSED)],
)
def test_a_wrong_field_is_refused_in_one_line_that_names_it(
    request_type: type[Request], good: dict[str, Any], wrong: dict[str, Any], said: str
) -> None:
    request_type.parse(good)
    with pytest.raises(InvalidInput) as caught:
        request_type.parse({**good, **wrong})
    line = str(caught.value)
    assert line.startswith(said)
    assert "\n" not in line
    assert len(line) < 200


def test_of_several_wrong_fields_each_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^model: .* \(got 'A b'\); speed: .* \(got 9\); pitch: there is no such "):
        ParagraphRequest.parse({"text": "One.", "model": "A b", "speed": 9, "pitch": 1})
    with pytest.raises(InvalidInput, match=r"; and 2 more$"):
        ParagraphRequest.parse({**SPEAKING, **{f"field{number}": 1 for number in range(7)}})


@pytest.mark.parametrize("field", ["text", "model"])
def test_a_field_that_is_left_out_is_named(field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}: is missing$"):
        ParagraphRequest.parse({name: value for name, value in SPEAKING.items() if name != field})


def test_the_edges_of_each_range_are_taken() -> None:
    for speed in (0.25, 1, 4.0):
        assert ParagraphRequest.parse({**SPEAKING, "speed": speed}).speed == speed
    edges = {"max_chars": 20, "pause_s": 0, "sentence_pause_s": 10, "parallel_paragraphs": 1}
    assert ChapterRequest.parse({**SPEAKING, **edges}).max_chars == 20


def test_a_request_says_nothing_of_what_is_unset_and_comes_back_from_json_the_same() -> None:
    for request in (ParagraphRequest.parse(SPEAKING), ChapterRequest.parse(SPEAKING), BookRequest.parse(BOOK)):
        fields = request.fields()
        assert "voice" not in fields
        assert type(request).parse(json.loads(json.dumps(fields))) == request


def test_a_result_comes_back_from_json_the_same() -> None:
    audio = Audio(artifact="a.wav", sample_rate=22_050, frames=44_100, bytes=88_244)
    assert audio.duration_s == 2.0
    skipped = [Skipped(part=2, reason="nothing to speak", words="* * *")]
    result = ChapterResult(audio=audio, duration_s=2.0, paragraphs=2, parts=2, computed=1, skipped=skipped)
    silent = ChapterResult(audio=None, duration_s=0.0, paragraphs=1, parts=1, computed=0)
    for one in (result, silent):
        assert ChapterResult.parse(json.loads(json.dumps(one.fields()))) == one


def test_a_text_is_normalised_as_it_is_taken() -> None:
    decomposed = "Ha\u0306\u0301n\r\nvu\u031b\u0300a \x00ddi\rxong\t."
    assert ParagraphRequest.parse({**SPEAKING, "text": decomposed}).text == "Hắn\nvừa ddi\nxong\t."


def test_a_timeout_says_nothing_of_what_is_computed() -> None:
    plain, hurried = (ParagraphRequest(model="quick", text="a", timeout_s=one) for one in (None, 5.0))
    assert "timeout_s" not in plain.fields(), "as an older worker expects it"
    assert hurried.fields()["timeout_s"] == 5.0
    assert (plain.ingredients(), plain.manner()) == (hurried.ingredients(), hurried.manner())
    assert "timeout_s" not in {**hurried.ingredients(), **ParagraphRequest.shared(hurried)}


@pytest.mark.parametrize("wrong", [0, -1, float("inf"), "5", True, 10**9])
def test_a_wrong_timeout_is_refused_and_an_unchecked_one_does_no_harm(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="^timeout_s: "):
        ParagraphRequest.parse({"model": "quick", "text": "a", "timeout_s": wrong})
    assert timeout_of({"timeout_s": wrong}) is None
    assert timeout_of({}) is None
    assert timeout_of({"timeout_s": 5}) == 5.0
