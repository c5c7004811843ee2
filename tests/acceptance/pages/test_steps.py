"""How a page is read: its blocks, and what they tell the reader to do."""

from __future__ import annotations

import pytest

from tests.fixtures.pages.blocks import blocks
from tests.fixtures.pages.steps import Command, File, PageError, Python, steps

PAGE = """
# A page

```console
$ slotline up --model espeak &      # it runs on
slotline is up:
…

$ slotline say "Hello." \\
    -o hello.wav
hello.wav: 0.5 s of audio
```

- In a list:

  ```toml models.toml
  [models.espeak]
  ```

```toml
only = "shown"
```

```python
client = Client()
# A comment between the lines.
print(client.url, 3)

# redis://…
# 3
```

```sh
docker compose up
```
"""


def test_commands_files_and_python_come_in_the_order_of_the_page() -> None:
    assert steps(PAGE, frozenset({"docker compose up"})) == [
        Command(5, "slotline up --model espeak &      # it runs on", ("slotline is up:", "…")),
        Command(9, 'slotline say "Hello." \\\n    -o hello.wav', ("hello.wav: 0.5 s of audio",)),
        File(17, "models.toml", "[models.espeak]\n"),
        Python(
            25,
            "client = Client()\n# A comment between the lines.\nprint(client.url, 3)\n\n# redis://…\n# 3\n",
            ("redis://…", "3"),
        ),
    ]


@pytest.mark.parametrize(
    ("text", "is_background"),
    [
        ("slotline up &", True),
        ("slotline up &  # in another terminal", True),
        ("cd there && slotline up", False),
        ("cd there &&", False),
        ("slotline up > log 2>&1", False),
    ],
)
def test_a_command_runs_on_if_it_ends_with_an_ampersand(text: str, is_background: bool) -> None:
    assert Command(1, text, ()).is_background is is_background


def test_a_block_whose_first_line_is_listed_is_left_out() -> None:
    listed = frozenset({"$ slotline up --model espeak &", "client = Client()"})
    assert [type(step) for step in steps(PAGE, listed)] == [File]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("slotline up", "line 2: a console block begins with a command"),
        ("$ slotline up \\", "line 2: a console block without the end of a command"),
        ("", "line 2: a console block without the end of a command"),
    ],
)
def test_a_block_out_of_form_is_refused_with_its_line(lines: str, words: str) -> None:
    with pytest.raises(PageError, match=words):
        steps(f"```console\n{lines}\n```\n")


def test_a_longer_fence_holds_shorter_ones() -> None:
    [block] = blocks("````\n```console\n$ ls\n```\n````\n")
    assert block.lines == ("```console", "$ ls", "```")
