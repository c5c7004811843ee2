"""The start of the process `slotline`: from here on Ctrl-C is never lost, and ends the command with status 130.

To be imported only where a process starts (the script `slotline`, `python -m tasks.command`),
because importing it sets the process's handler for Ctrl-C. All else is loaded after that;
the commands themselves: `tasks/terminal/group.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.terminal import interrupt

interrupt.end_at_first_signal()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line `arguments` (by default the process's own), then end the process with an exit status."""
    from tasks.terminal.group import run

    interrupt.exit_process(run(arguments))


if __name__ == "__main__":
    main()
