"""The command `hearth`: reads the arguments, calls the part that does it, tells the outcome; never does anything itself.

Exit codes: 0 all is well; 1 something outside has to be put right first; 2 the configuration or the command line is wrong; 130 stopped by Ctrl-C.
"""

# ruff: noqa: PLC0415 - each command imports what it needs itself, so that `--help` answers at once
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from bridge.check_here import Finding
    from bridge.config import Config
    from bridge.rooms.build import Outcome, Progress
    from bridge.rooms.diff import Row
    from bridge.rooms.guard import Hold
    from bridge.words import Text

T = TypeVar("T")

OK, PROBLEM, MISTAKE, STOPPED = 0, 1, 2, 130

EVERY_SECONDS = 30
"""Without a terminal it is said no more often how far it is."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hearth: circles, shared threads and digests for a support community on Matrix.",
)
ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="HEARTH_CONFIG", help="The configuration. `hearth example-config` shows one."
    ),
]
DEFAULT = Path("config.yaml")


def main() -> None:
    """Run the command line; what can be expected to go wrong is told in words, without a traceback."""
    app()


def _stop(text: str, code: int) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)


def _load(file: Path, *, secrets: bool = True) -> "Config":
    from bridge.config_file import ConfigError, load

    try:
        return load(file, secrets=secrets)
    except ConfigError as error:
        count = len(error.mistakes)
        _stop(f"{error}\n{count} mistake{'s' if count > 1 else ''}. Nothing was started.", MISTAKE)


def _do(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run this to its end; what can be expected to go wrong becomes words and an exit code."""
    from bridge.troubles import in_words

    try:
        return asyncio.run(make())
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    except Exception as error:
        told = in_words(error)
        if told is None:
            raise
        _stop(told, PROBLEM)


@app.command()
def run(config: ConfigFile = DEFAULT) -> None:
    """Run until stopped. On PostgreSQL a second one stands by, and takes over when the first is gone."""
    settings = _load(config)
    from bridge import app as house
    from bridge.config_file import load

    _do(lambda: house.run(settings, lambda: load(config)))


@app.command()
def check(
    config: ConfigFile = DEFAULT,
    offline: Annotated[bool, typer.Option("--offline", help="Only the file and this machine; ask nobody.")] = False,
) -> None:
    """Explain everything that is wrong, and what to do about it."""
    settings = _load(config)
    from bridge.check import online
    from bridge.check_here import offline as look

    findings = list(look(settings, config))
    for finding in findings:
        _show(finding)

    async def ask() -> None:
        async for finding in online(settings):
            findings.append(finding)
            _show(finding)

    if not offline:
        _do(ask)
    problems = sum(finding.state == "problem" for finding in findings)
    typer.echo("\nAll is well." if not problems else f"\n{problems} to put right.")
    raise typer.Exit(PROBLEM if problems else OK)


def _show(finding: "Finding") -> None:
    sign, colour = {"ok": ("OK  ", "green"), "hint": ("hint", "yellow"), "problem": ("!!  ", "red")}[finding.state]
    typer.secho(sign, fg=colour, nl=False)
    typer.echo(f" {finding.what}")
    for line in finding.cure.splitlines():
        typer.echo(f"     {line}")


@app.command()
def plan(config: ConfigFile = DEFAULT) -> None:
    """Show what `apply` would change in the rooms; change nothing. Stop Hearth first, or write `!plan` in the staff room."""
    settings = _load(config)
    from bridge import app as house
    from bridge.rooms.diff import in_numbers, rows

    found = _do(lambda: house.plan_of(settings))
    _show_rows(rows(found.wanted, found.changes))
    _show_notes(found.notes)
    if found.changes:
        typer.echo(f"In all: {', '.join(_words(part) for part in in_numbers(found.changes))}.")
        _show_holds(found.holds)
    else:
        typer.echo("Nothing to change.")


@app.command()
def apply(
    config: ConfigFile = DEFAULT,
    force: Annotated[
        bool, typer.Option("--force", help="Also what changes a third of the rooms at once, or cannot be undone.")
    ] = False,
) -> None:
    """Make the rooms what the configuration says. Stop Hearth first, or write `!apply` in the staff room. May be stopped and called again at any time."""
    settings = _load(config)
    from bridge import app as house

    with _progress() as tell:
        outcome: Outcome = _do(lambda: house.apply(settings, tell, force=force))
    _show_holds(outcome.holds)
    if outcome.holds and not outcome.done:
        _stop("Nothing was done.", PROBLEM)
    for failure in outcome.failures:
        typer.echo(f"!!   {failure.key}: {failure.error}", err=True)
    _show_notes(outcome.notes)
    if outcome.delayed:
        typer.echo(
            f"Invites that wait for a server that does not answer: {outcome.delayed}. Hearth goes on trying while it runs."
        )
    if outcome.failures or outcome.left or outcome.holds:
        _stop(
            f"{_steps(outcome.done)} done, {max(len(outcome.left), len(outcome.failures), len(outcome.holds))} not. `hearth check` says more.",
            PROBLEM,
        )
    typer.echo(f"{_steps(outcome.done)} done." if outcome.done else "Nothing to change.")


@app.command()
def adopt(
    room: Annotated[str, typer.Argument(help="The room as `hearth plan` calls it, like circle/sleep.")],
    field: Annotated[str, typer.Argument(help="What to keep, like topic.")],
    config: ConfigFile = DEFAULT,
) -> None:
    """Keep what was changed by hand in a room. Stop Hearth first, or write `!adopt` in the staff room."""
    settings = _load(config)
    from bridge import app as house
    from bridge.rooms.adopt import FIELDS

    if field not in (*FIELDS, "tag"):
        _stop(f"{field!r} cannot be adopted. What can: {', '.join(FIELDS)}.", MISTAKE)
    kept, told = _do(lambda: house.adopt(settings, room, field))
    if not kept:
        _stop(_words(told), PROBLEM)
    typer.echo(_words(told))


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _show_rows(rows: "Iterable[Row]") -> None:
    """The plan, room by room; coloured where somebody sits before it."""
    colours = {"+": "green", "-": "red", "~": "yellow"}
    room = None
    for row in rows:
        if row.key != room:
            room = row.key
            typer.secho(row.key, bold=True)
        typer.secho(f"  {row.sign} {row.text}", fg=colours.get(row.sign))
        if row.by:
            keep = f"; `hearth adopt {row.key} {row.field}` keeps it" if row.field else ""
            typer.secho(f"      by hand: {row.by}{keep}", dim=True)


def _show_holds(holds: "Sequence[Hold]") -> None:
    from bridge.rooms.diff import why

    if holds:
        typer.secho("This needs `hearth apply --force`:", fg="red", err=True)
    for hold in holds:
        typer.echo(f"!!   {_words(why(hold))}", err=True)


def _show_notes(notes: Any) -> None:
    from bridge.rooms.tell import explain

    for note in notes:
        typer.echo(f"note {_words(explain(note))}")


def _words(text: "Text") -> str:
    from bridge.text import render

    return render(text, "en", _Ids()).body


class _Ids:
    """In a terminal people are shown by their ids."""

    def of(self, user: str) -> str:
        """The id itself."""
        return user

    def find(self, name: str) -> tuple[str, ...]:  # noqa: ARG002 - a terminal has no display names
        """Nobody."""
        return ()


@contextmanager
def _progress() -> Iterator[Callable[["Progress"], None]]:
    """A bar for a person; for a journal a line now and then, when it takes long."""
    if not sys.stdout.isatty():
        yield _now_and_then(typer.echo, time.monotonic)
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    with Bar(BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), transient=True) as bar:
        task = bar.add_task("looking at the rooms", total=None)
        yield lambda progress: bar.update(
            task, completed=progress.done, total=progress.total, description=_how_far(progress)
        )


def _now_and_then(echo: Callable[[str], None], clock: Callable[[], float]) -> Callable[["Progress"], None]:
    """Says how far it is, at most once in so many seconds, and not at all when it is over before."""
    next_s = clock() + EVERY_SECONDS

    def tell(progress: "Progress") -> None:
        nonlocal next_s
        if clock() >= next_s:
            next_s = clock() + EVERY_SECONDS
            echo(_how_far(progress))

    return tell


def _how_far(progress: "Progress") -> str:
    """How far it is and how long the rest takes, on one line."""
    said = f"{progress.rooms} of {progress.of_rooms} rooms, {progress.done} of {progress.total} steps"
    if progress.left_ms:
        minutes = -(-progress.left_ms // 60_000)
        said += f", about {minutes} min left" if progress.left_ms > 60_000 else ", less than a minute left"
    return f"{said}; `hearth check` tells how to lift the homeserver's limit" if progress.limited else said


@app.command()
def registration(
    config: ConfigFile = DEFAULT,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; registration.yaml in data_dir otherwise.")
    ] = None,
) -> None:
    """Write the file that makes Hearth an application service, which no rate limit slows."""
    settings = _load(config, secrets=False)
    from bridge.registration import what_next, write_registration

    try:
        path = write_registration(settings, out)
    except OSError as error:
        _stop(
            f"{error.filename} cannot be written ({error.strerror}). Name another place with --out, or run as its owner.",
            PROBLEM,
        )
    typer.echo(what_next(settings, path))


@app.command()
def ledger(
    config: ConfigFile = DEFAULT,
    export: Annotated[str, typer.Option("--export", "-e", help="In which form: jsonl or csv.")] = "jsonl",
) -> None:
    """Print the ledger: who did what to whom, when, why, and what came of it. Hearth may run meanwhile."""
    settings = _load(config, secrets=False)
    from bridge.ledger_file import FORMATS, written

    if export not in FORMATS:
        _stop(f"There is no form {export!r}. There are: {', '.join(FORMATS)}.", MISTAKE)

    async def print_all() -> None:
        async for line in written(settings.database.url or settings.data_dir / "hearth.db", export):
            typer.echo(line)

    _do(print_all)


@app.command(name="example-config")
def example_config() -> None:
    """Print a complete configuration with an explanation of every key."""
    from bridge.example import example

    typer.echo(example(), nl=False)


@app.command(name="example-crisis")
def example_crisis() -> None:
    """Print the words and help lines for people in danger that come with Hearth, to be made your own."""
    from bridge.moderation.protections.crisis import SAMPLE

    typer.echo(SAMPLE.read_text(encoding="utf-8"), nl=False)


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself; exit code 0 only if every step was seen.")
    ] = False,
) -> None:
    """Play a week of a whole community on two homeservers on this machine."""
    from bridge.demo.play import main as play

    raise typer.Exit(play(once=once))


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which benchmarks; all when none is named.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Measure Hearth beside a bare baseline in the same run."""
    from bridge.bench import NAMES
    from bridge.bench import main as measure

    unknown = [name for name in names or () if name not in NAMES]
    if unknown:
        _stop(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}.", MISTAKE)
    raise typer.Exit(measure(names or (), as_json=as_json))


if __name__ == "__main__":
    main()
