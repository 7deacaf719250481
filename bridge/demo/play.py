"""The demo from curtain to curtain: the stage of `theatre.py`, the story of `week.py`, and then the audience may come up."""

import asyncio
import signal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bridge.config_file import ConfigError
from bridge.demo.homeservers import LabError, ensure_synapse
from bridge.demo.member import NotSeen
from bridge.demo.stage import Stage
from bridge.demo.theatre import Play, on_stage
from bridge.demo.week import STEPS
from bridge.errors import Refused, Unavailable

CACHE = Path(".synapse")
"""Where the homeservers' own environment is kept, beside the project."""


def main(*, once: bool) -> int:
    """Play the demo; with `once` it ends by itself. Returns the exit code: 0 only if every step was seen."""
    console = Console(highlight=False)
    try:
        return asyncio.run(_main(console, once))
    except LabError as problem:
        console.print(f"[red]The demo cannot start.[/red] {escape(str(problem))}")
    except ConfigError as problem:
        console.print(escape(str(problem)))
    except NotSeen as problem:
        console.print(f"[red]Not seen:[/red] {escape(str(problem))}")
    except (Refused, Unavailable) as problem:
        console.print(f"[red]A homeserver did not do its part:[/red] {escape(str(problem))}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nStopped. Nothing is left behind.")
        return 130
    return 1


async def _main(console: Console, once: bool) -> int:
    stage = Stage(console, len(STEPS) + 2)
    venv = await asyncio.to_thread(ensure_synapse, CACHE, stage.tell)
    async with on_stage(stage, venv) as play:
        for step in STEPS:
            with stage.step((step.__doc__ or step.__name__).rstrip(".")):
                await step(play)
        console.print(f"\n[bold green]All {stage.seen_steps} steps were seen[/bold green] in {stage.seconds:.0f} s.\n")
        if not once:
            _invite_the_audience(console, play)
            await _until_interrupted()
            console.print("\nStopped. Nothing is left behind.")
    return 0


def _invite_the_audience(console: Console, play: Play) -> None:
    console.print("Log in with any Matrix client. The homeserver:")
    for home in {member.home.url: member.home for member in play.cast.values()}.values():
        console.print(f"  of @…:{home.server_name}  {home.url}", soft_wrap=True)
    table = Table()
    for column in ("user", "password", "role"):
        table.add_column(column, overflow="fold")  # nobody can log in with half a name
    roles = {
        "olga": "owner",
        "mira": "moderator",
        "ann": "curator of #sleep",
        "boris": "curator of #тревога",
        "clara": "curator of #grief",
    }
    for name, member in play.cast.items():
        table.add_row(member.id, member.password, roles.get(name, "member" if name != "rex" else "the spammer"))
    console.print(table)
    console.print(f"Write to {play.hearth}: help. Moderators write !help in the staff room. Ctrl-C ends everything.")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for kind in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(kind, stop.set)
    await stop.wait()
