"""The command `slotline video`: a sound, or a text that is spoken first, and a face become a film, or its pictures.

Reads its options, submits one job, follows it and saves what it made; with `-o -` the film is written while it is
computed. `tasks/terminal/group.py` prints a `SlotlineError` as one line. Started again it goes on with its open job.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from producer.client import Client
from producer.commands import options
from producer.commands.film_input import FilmInput, film_input
from producer.commands.session import Session, choose_settings
from producer.commands.targets import FilmTarget, film_target, write_out
from producer.display.steps import Steps
from producer.job import Job
from producer.looks import looks
from producer.video import video_request
from tasks.errors import InvalidInput
from tasks.exit_codes import DONE, FAILED
from tasks.media.film.pyav import load
from tasks.messages import VideoRequest, VideoResult
from tasks.messages.lipsync import LIPSYNC
from tasks.messages.voices import voice_for_language
from tasks.terminal import interrupt
from tasks.terminal.interrupt import Interrupt
from tasks.terminal.lines import print_as_is
from tasks.terminal.printable import counted, printable, shortened

if TYPE_CHECKING:
    from rich.console import Console

DEFAULT_SLOTS = 1
CHECK_EVERY_S = 2.0
"""How often a wait checks whether a local stack still runs."""

NAME_CHARS = 30


@click.command()
@click.argument("sound", required=False, metavar="[SOUND]", type=click.Path(path_type=Path))
@options.local
@click.option("--text", help="A text that is spoken first, instead of SOUND; - reads it from standard input.")
@click.option("--model", help="A model of the catalog that shows faces; not needed if there is only one.")
@click.option("--face", help="A face of the model; not needed if it has a default one.")
@click.option("-o", "target", required=True, help="The film, NAME.mp4; - is standard output; a folder for pictures.")
@click.option("--pictures", type=click.Choice(["jpg", "png"]), help="Write each frame as a picture instead of a film.")
@click.option("--first-background", default=0, type=click.IntRange(0), help="Background behind the first frame.")
@click.option("--speech-model", help=f"A model that speaks the text; default: {options.DEFAULT_MODEL}.")
@click.option("--voice", help="A voice for the text; without it, one that speaks the text's language.")
@click.option("--speed", type=float, help="How fast the text is spoken, 0.25 to 4.")
@options.timeout
@options.slots(DEFAULT_SLOTS)
def video(sound: Path | None, text: str | None, local: bool, target: str, slots: int | None, **given: Any) -> int:
    """Show a face that speaks: SOUND, a file in any usual format, becomes a film of the same length.

    SOUND may be a text, Markdown or EPUB file, too, or - for sound from standard input. With -o - the film is written
    while it is computed, so it can be watched at once: slotline video talk.mp3 --face anna -o - | mpv -

    Started again it goes on where it was: what is computed already is not computed again.
    """
    choose_settings(local)
    local_slots = options.local_slots(local, slots, DEFAULT_SLOTS)
    where = film_target(target, given["pictures"], sound)
    if where.is_stream:
        load("film")  # without PyAV it is refused here, and not after the job was sent
    given["model"] = given["model"] or options.only_model(LIPSYNC, "is to show the face", "show faces")
    with film_input(sound, text) as film:
        request = _request(film, given)
        session = Session(request.model, local_slots, (request.speech.model,) if request.speech else ())
        session.check()
        return _Making(film, request, where, session).run(has_voice=bool(given["voice"]))


def _request(film: FilmInput, given: Mapping[str, Any]) -> VideoRequest:
    """The request; raises `InvalidInput` also for options of speech where nothing is spoken."""
    fields = {name: given[name] for name in ("model", "face", "pictures", "first_background", "timeout_s")}
    speech = {"model": given["speech_model"], "voice": given["voice"], "speed": given["speed"]}
    chosen = {name: value for name, value in speech.items() if value is not None}
    if film.text is None:
        if chosen:
            option = "speech-model" if "model" in chosen else next(iter(chosen))
            raise InvalidInput(f"--{option}: only for a text, which is spoken first")
        return video_request(film.sound, title=film.title, **fields)
    speaker = {"model": options.DEFAULT_MODEL, **chosen}
    return video_request(None, title=film.title, text=film.text, speech=speaker, **fields)


@dataclass(frozen=True)
class _Making:
    """One film on its way from its input to its file."""

    input: FilmInput
    request: VideoRequest
    target: FilmTarget
    session: Session

    def run(self, has_voice: bool) -> int:
        """Submit, follow, save and print; returns the exit status."""
        from rich.console import Console

        console, ids = Console(stderr=True), list[str]()
        try:
            with Interrupt(), self.session:
                client = self.session.start(functools.partial(print_as_is, console))
                request = self.request if has_voice else _in_voice_of(client, self.request)
                interrupt.call(functools.partial(client.prepare_video, request, self.input.sound))
                job, is_taken_up = interrupt.call(functools.partial(client.take_up, request))
                ids.append(job.id)
                begun = "taken up again" if is_taken_up else "sent"
                print_as_is(console, f"{_title_of(request)}: {begun} as {job.id}")
                self.session.note_missing_worker(client, functools.partial(print_as_is, console))
                made = self._follow(client, job, console)
                self._save(job, made)
        except KeyboardInterrupt as stopped:
            self.session.interrupted(ids)
            return interrupt.status_of(stopped)
        except BrokenPipeError:
            follow = f"; the job goes on; follow it: slotline watch {ids[0]}" if self.session.outlives else ""
            click.echo(f"slotline: the film was not read to its end{follow}", err=True)
            return FAILED
        return DONE

    def _follow(self, client: Client, job: Job[VideoResult], console: Console) -> VideoResult:
        from producer.display.job_bar import JobBar, left_s

        title, next_s = _title_of(self.request), 0.0
        with JobBar(console, title, functools.partial(left_s, client, job.id)) as bar:
            steps = Steps(bar, client.connection, job.id, title)

            def on_look() -> None:
                nonlocal next_s
                if time.monotonic() >= next_s:
                    next_s = time.monotonic() + CHECK_EVERY_S
                    self.session.check_again()
                if self.request.speech:
                    steps.on_look()

            if self.target.is_stream:
                for piece in job.stream_film(steps.on_progress, on_look):
                    interrupt.call(functools.partial(write_out, piece))
            else:
                deque(looks(client.connection, job.id, on_progress=steps.on_progress, on_look=on_look), maxlen=1)
            return job.result()

    def _save(self, job: Job[VideoResult], made: VideoResult) -> None:
        about = f"{made.words()}; {counted(made.stretches, 'stretch', 'stretches')}, {made.computed} computed"
        if self.target.is_stream:
            click.echo(f"slotline: {about}", err=True)
            return
        written = interrupt.call(functools.partial(job.save, self.target.path))
        if made.pictures:
            about = f"{counted(len(written), 'picture')}, {about}"
        click.echo(f"{printable(str(self.target.path))}: {about}")
        if others := self.target.other_pictures(len(written)):
            click.echo(f"slotline: {printable(str(self.target.path))}: has {counted(others, 'picture')} more", err=True)


def _title_of(request: VideoRequest) -> str:
    return shortened(request.words(), NAME_CHARS) or "film"


def _in_voice_of(client: Client, request: VideoRequest) -> VideoRequest:
    """With a voice that speaks the text's language, if a text is spoken and its model offers one."""
    from tasks.text.language import guess_language

    if request.speech is None or request.text is None:
        return request
    offer = interrupt.call(functools.partial(client.offer, request.speech.model))
    voice = voice_for_language(offer, guess_language(request.text))
    return request.model_copy(update={"speech": request.speech.model_copy(update={"voice": voice})})
