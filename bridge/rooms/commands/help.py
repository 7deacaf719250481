"""The command `help`: all that somebody can do, or one command in full; never more than their role may use."""

from bridge.arguments import Rest
from bridge.catalogues import spellings
from bridge.commands import ANYWHERE, Command, command, places
from bridge.context import Context, rather_people
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.text import spelt
from bridge.words import Text, lines, words

_GROUPS = {
    Role.MEMBER: words("**For everybody**"),
    Role.CURATOR: words("**For curators**"),
    Role.MODERATOR: words("**For moderators**"),
    Role.OWNER: words("**For owners**"),
}


@command(role=Role.STRANGER, name="help", examples=("help", "help language"))
async def show_help(ctx: Context, command: Rest = Rest("")) -> Text:
    """Show what I can do, or explain one command."""
    if not command:
        return _everything(ctx)
    wanted = ctx.book.named(command.removeprefix("!"), direct=ctx.direct)
    if wanted is not None and wanted.role <= ctx.role:
        return _explained(ctx, wanted)
    own = spellings(ctx.book.commands, "command", [ctx.language])
    near = ctx.book.beginning(command, ctx.role) or ctx.book.near(command, ctx.role, own)
    if near:
        names = {"list": [{"command": name} for name in near]}
        raise UsageError(words("I know no command of that name. Perhaps: %(near)s", near=names))
    unknown = words("I know no command of that name. Write %(help)s to see all.", help={"command": "help"})
    people_instead = await rather_people(ctx.scene, ctx.sender) if ctx.direct and wanted is None else None
    raise UsageError(lines(people_instead, unknown) if people_instead else unknown)


def _everything(ctx: Context) -> Text:
    parts: list[Text] = []
    for role, title in _GROUPS.items():
        mine = [one for one in ctx.book.every if max(one.role, Role.MEMBER) is role and one.role <= ctx.role]
        if mine:
            parts += [title, *(_line(ctx, one) for one in mine if _head(ctx, one) is None)]
    return lines(
        words("This is what you can ask me:"),
        *parts,
        words("In our direct chat just write. In a room, put %(prefix)s in front.", prefix={"code": "!"}),
        words("%(example)s tells you more about one of them.", example={"command": "help follow"}),
    )


def _head(ctx: Context, one: Command) -> Command | None:
    """The command that this one is a kind of: `digest` for `digest now`."""
    head, blank, _ = one.name.partition(" ")
    return ctx.book.commands.get(head) if blank else None


def _kinds(ctx: Context, one: Command) -> list[Command]:
    return [other for other in ctx.book.every if other.role <= ctx.role and _head(ctx, other) is one]


def _line(ctx: Context, one: Command) -> Text:
    name, kinds = {"command": one.name}, _kinds(ctx, one)
    if not kinds:
        return Text("- %(name)s – %(help)s", {"name": name, "help": Text(one.help)})
    further = {"list": [{"code": _last_words(ctx, one, kind)} for kind in kinds]}
    return Text("- %(name)s (%(further)s) – %(help)s", {"name": name, "further": further, "help": Text(one.help)})


def _last_words(ctx: Context, one: Command, kind: Command) -> str:
    """What is written behind the first word, in the asker's language."""
    head, whole = spelt(ctx.language, one.name), spelt(ctx.language, kind.name)
    return whole.removeprefix(head).strip() or whole


def _explained(ctx: Context, one: Command) -> Text:
    parts = [Text(paragraph) for paragraph in one.explanation]
    kinds = _kinds(ctx, one)
    parts += [Text("- %(usage)s – %(help)s", {"usage": kind.usage, "help": Text(kind.help)}) for kind in kinds]
    if one.examples and not kinds:
        examples = {"list": [{"command": example} for example in one.examples]}
        parts.append(words("For example: %(examples)s", examples=examples))
    if spelt(ctx.language, one.name) != one.name:
        parts.append(words("It is also called %(name)s.", name={"code": one.name}))
    if one.where != ANYWHERE:
        parts.append(words("You can use it here: %(places)s.", places=places(one.where)))
    return lines(Text("%(usage)s", {"usage": one.usage}), Text(one.help), *parts)
