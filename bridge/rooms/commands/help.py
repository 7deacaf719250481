"""The command `help`: all that somebody can do, or one command in full; never more than their role may use."""

from bridge.arguments import Rest
from bridge.catalogues import translate
from bridge.commands import Command, command, places
from bridge.context import Context
from bridge.errors import UsageError
from bridge.roles import Role
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
    wanted = ctx.book.named(command.removeprefix("!"))
    if wanted is not None and wanted.role <= ctx.role:
        return _explained(ctx, wanted)
    near = ctx.book.beginning(command, ctx.role) or ctx.book.near(command, ctx.role)
    if near:
        names = {"list": [{"code": name} for name in near]}
        raise UsageError(words("I know no command of that name. Perhaps: %(near)s", near=names))
    raise UsageError(words("I know no command of that name. Write %(help)s to see all.", help={"code": "help"}))


def _everything(ctx: Context) -> Text:
    parts: list[Text] = []
    for role, title in _GROUPS.items():
        mine = [
            one for one in ctx.book.commands.values() if max(one.role, Role.MEMBER) is role and one.role <= ctx.role
        ]
        if mine:
            parts += [title, *(_line(one) for one in mine)]
    example = {"code": f"help {next(iter(ctx.book.commands), 'help')}"}
    return lines(
        words("This is what you can ask me:"),
        *parts,
        words("In a room, put %(prefix)s in front; here with me alone just write.", prefix={"code": "!"}),
        words("For more about one of them write for example %(example)s.", example=example),
    )


def _line(one: Command) -> Text:
    return Text("- %(name)s – %(help)s", {"name": {"code": one.name}, "help": Text(one.help)})


def _explained(ctx: Context, one: Command) -> Text:
    parts = [Text(paragraph) for paragraph in one.explanation]
    if one.examples:
        examples = {"list": [{"code": example} for example in one.examples]}
        parts.append(words("For example: %(examples)s", examples=examples))
    other = translate(ctx.language, one.name, context="command")
    if other != one.name:
        parts.append(words("It is also called %(name)s.", name={"code": other}))
    parts.append(words("You can use it here: %(places)s.", places=places(one.where)))
    return lines(Text("%(usage)s", {"usage": one.usage}), Text(one.help), *parts)
