"""The `slotline` command: finds its subcommands by entry points, and loads one when it is called.

The entry points are in the group `slotline.commands`. So `producer` and `workers` both add
commands, and neither imports the other. Guarantees one line on stderr for each error of
slotline, and the exit status: 0 done, 1 failed, 2 bad input or usage, 130 Ctrl-C, 143 SIGTERM.
The process itself starts in `tasks/command.py`.
"""

from __future__ import annotations

import difflib
import functools
import io
import os
import sys
import tomllib
import traceback
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import click

from tasks import __version__
from tasks.errors import CatalogError, InvalidInput, SettingsError, SlotlineError
from tasks.exit_codes import BAD_INPUT, DONE, FAILED
from tasks.terminal.interrupt import status_of
from tasks.terminal.printable import one_line
from tasks.terminal.unknown_settings import unknown_settings

GROUP = "slotline.commands"


PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@functools.cache
def entry_points() -> dict[str, EntryPoint]:
    """Subcommands by name, also of other packages.

    A checkout reads its pyproject.toml, too: what is installed from it knows no command that came later.
    """
    from importlib.metadata import entry_points as installed

    found = {point.name: point for point in installed(group=GROUP)}
    try:
        project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    except (OSError, KeyError, ValueError):  # installed from a wheel
        return found
    named = project.get("entry-points", {}).get(GROUP, {}) if project.get("name") == "slotline" else {}
    return found | {name: EntryPoint(name, value, GROUP) for name, value in named.items()}


class LazyGroup(click.Group):
    """A click group that loads a command when it is called; a command that cannot be loaded affects no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted; loads nothing."""
        return sorted(entry_points())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; if it cannot be loaded, a command that prints the reason."""
        point = entry_points().get(cmd_name)
        if point is None:
            return None
        try:
            command = point.load()
        except Exception as exc:  # an import error of a module affects only its own command
            return _broken(cmd_name, exc)
        if not isinstance(command, click.Command):
            return _broken(cmd_name, TypeError(f"{point.value} is not a click command"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click; the error for a name that there is not has the nearest one, which click does for loaded ones."""
        near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            if near and not args[0].startswith("-"):
                ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
            raise


def _broken(name: str, exc: Exception) -> click.Command:
    def refuse(arguments: tuple[str, ...]) -> None:
        if isinstance(exc, SlotlineError):
            raise exc
        raise click.ClickException(f"{name}: cannot be loaded: {_reason(exc)}") from exc

    return click.Command(
        name,
        callback=refuse,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        short_help=f"cannot be loaded: {_reason(exc)}",
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
    )


def _reason(exc: Exception) -> str:
    if isinstance(exc, SlotlineError):
        return one_line(str(exc))
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__)[1:] if "importlib" not in frame.filename]
    where = f" ({frames[-1].filename} line {frames[-1].lineno})" if frames else ""
    return f"{type(exc).__name__}: {one_line(str(exc))}{where}"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="slotline")
def slotline() -> None:
    """Read books aloud, and run other models, on slots: a Celery task queue for model inference."""
    for line in unknown_settings(os.environ):
        _say(line, DONE)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (by default the process's own); returns the exit status."""
    _let_every_text_be_printed()
    try:
        # After ctx.exit() click returns the status; a command itself returns no status.
        value = slotline.main(arguments, prog_name="slotline", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        return exc.exit_code
    except click.UsageError as exc:
        path = exc.ctx.command_path if exc.ctx else "slotline"
        return _say(f"{one_line(exc.format_message()).rstrip('.')} (see {path} --help)", exc.exit_code)
    except click.ClickException as exc:
        return _say(one_line(exc.format_message()), exc.exit_code)
    except (InvalidInput, SettingsError, CatalogError) as exc:
        return _say(one_line(str(exc)), BAD_INPUT)
    except SlotlineError as exc:
        return _say(one_line(str(exc)), FAILED)
    except click.Abort as exc:  # click's own word for KeyboardInterrupt
        return status_of(exc.__cause__)
    return value if isinstance(value, int) else DONE


def _say(message: str, status: int) -> int:
    click.echo(f"slotline: {message}", err=True)
    return status


def _let_every_text_be_printed() -> None:
    """Escape what the encoding of stdout lacks (Vietnamese letters in a Latin-1 locale), as stderr does anyway."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
