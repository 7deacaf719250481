"""Globs as Matrix means them: `*` is any run of characters, `?` is one; pure, and no pattern can make it slow."""


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value fits the pattern, letter case included (client-server API, "Moderation policy lists").

    Takes at most len(pattern) * len(value) steps, whatever somebody wrote into the pattern.
    """
    at = mark = position = 0
    star = -1
    while position < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", value[position]):
            at += 1
            position += 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")


def is_glob(value: str) -> bool:
    """Whether the value has a wildcard at all."""
    return "*" in value or "?" in value


def server_of(user: str) -> str:
    """The server part of a user id, with its port if it has one."""
    return user.partition(":")[2]


def host_of(server: str) -> str:
    """A server name without its port, in lower case: what a server ACL looks at (`m.room.server_acl`)."""
    if server.startswith("["):
        return server.partition("]")[0].lower() + "]"
    return server.partition(":")[0].lower()


def server_matches(pattern: str, server: str) -> bool:
    """Whether a server fits a pattern for servers. Ports and letter case do not matter, as in a server ACL."""
    return matches(pattern.lower(), server.lower()) or matches(host_of(pattern), host_of(server))
