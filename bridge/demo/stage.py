"""Tells in the terminal what happens and what was seen; never makes anything happen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Stage:
    """The narrator. Everything that came from somebody's screen is shown after an arrow, with who saw it."""

    def __init__(self, console: Console, steps: int) -> None:
        """`steps` is how many there will be, for the progress."""
        self.console = console
        self.seen_steps = 0
        self._steps = steps
        self._number = 0
        self._began = time.monotonic()
        self._status: Status | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step of the story; it counts as seen only when the block ends well."""
        self._number += 1
        head = f"[bold]{self._number:>2}/{self._steps}[/bold]"
        began = time.monotonic()
        with self.console.status(f"{head} {escape(title)} …") as status:
            self._status = status
            try:
                yield
            except BaseException:
                self.console.print(f"{head} [red]✗[/red] {escape(title)}")
                raise
            finally:
                self._status = None
        self.seen_steps += 1
        self.console.print(f"{head} [green]✓[/green] {escape(title)} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def tell(self, text: str) -> None:
        """Say something about what is going on."""
        self.console.print(f"      {escape(text)}")

    def saw(self, who: str, where: str, text: str) -> None:
        """Show what somebody has on their screen."""
        first, *rest = text.strip().splitlines() or [""]
        self.console.print(f"      [cyan]{escape(who)}[/cyan] [dim]in {escape(where)}[/dim] → {escape(first)}")
        for line in rest:
            self.console.print(f"          {escape(line)}")

    def progress(self, text: str) -> None:
        """Replace the words beside the turning sign."""
        if self._status:
            self._status.update(f"[bold]{self._number:>2}/{self._steps}[/bold] {escape(text)} …")

    @property
    def seconds(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began
