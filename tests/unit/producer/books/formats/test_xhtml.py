"""XHTML becomes paragraphs, of a page inside an EPUB."""

from __future__ import annotations

from pathlib import Path

from producer.books.reader import read_book
from tests.unit.producer.books.formats.epubs import (
    simple_epub,
)


def test_xhtml_becomes_paragraphs_without_what_nobody_reads_aloud(tmp_path: Path) -> None:
    path = simple_epub(
        tmp_path / "a.epub",
        "<h1>One</h1><p>A&nbsp;b\n  <em>c</em>d<a epub:type='noteref' href='#n'>1</a> e&#x2060;&#8212;f co&#173;op.</p>"
        "<hr/><p>Line<br/>two</p><div>loose <span hidden='hidden'>gone</span>text<p>inner</p>tail</div>"
        "<script>x()</script><style>y</style><svg><text>z</text></svg><aside epub:type='footnote' id='n'>note</aside>"
        "<p>Old<a href='#f1'><sup>12</sup></a> note&eacute;<span epub:type='pagebreak'>77</span>.</p>"
        "<ruby>漢<rt>kan</rt></ruby><table><tr><td>x</td><td>y</td></tr></table><!-- no --><p>A &lt;b&gt; &amp; c</p>",
    )
    (chapter,) = read_book(path).chapters
    assert chapter.text.split("\n\n") == [
        "One",
        "A b cd e—f coop.",
        "***",
        "Line\ntwo",
        "loose text",
        "inner",
        "tail",
        "Old noteé.",
        "漢",
        "x y",
        "A <b> & c",
    ]
