"""When the sentences and words of a silence are spoken."""

from __future__ import annotations

from workers.adapters.rehearsal.timed import pieces


def test_sentences_follow_each_other_and_words_lie_inside_in_proportion_to_the_characters() -> None:
    first, second = pieces("One two. Three.", 15.0)
    assert (first.text, first.start_s, first.end_s) == ("One two.", 0.0, 9.0)
    assert (second.text, second.start_s, second.end_s) == ("Three.", 9.0, 15.0)
    assert [(word.text, word.start_s, word.end_s) for word in first.words] == [("One", 0.0, 3.0), ("two.", 4.0, 8.0)]
