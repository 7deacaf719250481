"""Who we are on the homeserver: a token, a password used once, or an application service; never more than one device.

Every problem is told with its cure, for `hearth check` and for the start.
"""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bridge.config import ApplicationService, Matrix
from bridge.errors import Refused, TokenLost
from bridge.matrix.client import Client
from bridge.matrix.private_file import read_private, write_private
from bridge.matrix.problem import StartProblem

SESSION_FILE = "session.json"

_NAME = "Hearth"


@dataclass(frozen=True, slots=True)
class Session:
    """A client that speaks as `user` from `device`. `renewable` says whether we can begin as a new device by ourselves."""

    client: Client
    user: str
    device: str
    renewable: bool
    password: str | None = field(default=None, repr=False)


async def open_session(settings: Matrix, data_dir: Path) -> Session:
    """Sign in by what the configuration gives. Raises StartProblem, or Unavailable when the homeserver does not answer.

    The caller closes the client.
    """
    if settings.application_service is not None:
        return await _as_service(settings, settings.application_service, data_dir)
    token = secret(settings.access_token, settings.access_token_file, "matrix.access_token_file")
    if token is not None:
        return await _with_token(settings, token, "matrix.access_token")
    password = secret(settings.password, settings.password_file, "matrix.password_file")
    if password is None:
        raise StartProblem(
            "Hearth has no way to sign in. Set one of matrix.access_token_file, matrix.password_file or "
            "matrix.application_service."
        )
    return await _with_password(settings, password, data_dir)


def forget_device(data_dir: Path) -> None:
    """Begin as a new device at the next `open_session`, where Hearth makes its devices itself."""
    (data_dir / SESSION_FILE).unlink(missing_ok=True)


def secret(value: SecretStr | None, file: Path | None, name: str) -> str | None:
    """A secret from the configuration or from its file, without surrounding white space; None when neither is given."""
    if value is not None:
        return value.get_secret_value().strip()
    if file is None:
        return None
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as trouble:
        raise StartProblem(f"{name}: cannot read {file} ({type(trouble).__name__}).") from None
    if not text:
        raise StartProblem(f"{name}: {file} is empty.")
    return text


async def _with_token(settings: Matrix, token: str, name: str) -> Session:
    client = Client(settings.homeserver, token)
    try:
        device = await _whoami(client, settings, name)
    except BaseException:
        await client.close()
        raise
    password = secret(settings.password, settings.password_file, "matrix.password_file")
    return Session(client, settings.user_id, device, renewable=False, password=password)


async def _with_password(settings: Matrix, password: str, data_dir: Path) -> Session:
    held = _held(data_dir, settings.user_id)
    if held.get("access_token"):
        try:
            session = await _with_token(settings, str(held["access_token"]), "the stored session")
        except _TokenUnknown:
            forget_device(data_dir)  # somebody signed that device out: begin as a new one
        else:
            return Session(session.client, session.user, session.device, renewable=True, password=password)
    async with Client(settings.homeserver, None) as client:
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": settings.user_id},
            "password": password,
            "initial_device_display_name": _NAME,
        }
        try:
            answer = await client.request("POST", "/login", body=body)
        except Refused as no:
            raise StartProblem(
                f"The homeserver refuses the password of {settings.user_id} ({no.errcode}). Check matrix.user_id and matrix.password_file; "
                "where people sign in by another website, use matrix.access_token_file instead."
            ) from None
    told = {name: answer.get(name) for name in ("user_id", "device_id", "access_token")}
    if told["user_id"] != settings.user_id or not all(isinstance(item, str) for item in told.values()):
        raise StartProblem(
            f"The homeserver signed Hearth in as somebody else than {settings.user_id}. Check matrix.user_id."
        )
    write_private(data_dir / SESSION_FILE, json.dumps(told))
    client = Client(settings.homeserver, str(told["access_token"]))
    return Session(client, settings.user_id, str(told["device_id"]), renewable=True, password=password)


async def _as_service(settings: Matrix, service: ApplicationService, data_dir: Path) -> Session:
    token = secret(service.as_token, service.as_token_file, "matrix.application_service.as_token_file")
    if token is None:
        raise StartProblem(
            "Set matrix.application_service.as_token_file. `hearth registration` makes the file for the homeserver."
        )
    localpart = settings.user_id[1:].partition(":")[0]
    if localpart == service.sender_localpart:
        raise StartProblem(
            "matrix.application_service.sender_localpart is the bot itself, but that account cannot read anything. Choose another name "
            "for it, and write the registration anew."
        )
    held = _held(data_dir, settings.user_id)
    device = str(held.get("device_id") or f"HEARTH{secrets.token_hex(4).upper()}")
    plain = Client(settings.homeserver, token, user_id=settings.user_id)
    client = Client(settings.homeserver, token, user_id=settings.user_id, device_id=device)
    try:
        await _register(Client(settings.homeserver, token), settings, localpart)
        await _whoami(plain, settings, "the as_token", needs_device=False)
        await _make_device(plain, device)
    except BaseException:
        await client.close()
        raise
    finally:
        await plain.close()
    write_private(data_dir / SESSION_FILE, json.dumps({"user_id": settings.user_id, "device_id": device}))
    return Session(client, settings.user_id, device, renewable=True)


async def _register(client: Client, settings: Matrix, localpart: str) -> None:
    """The account of the namespace, made by the service itself (spec: "Server admin style permissions")."""
    async with client:
        body = {"type": "m.login.application_service", "username": localpart, "inhibit_login": True}
        try:
            await client.request("POST", "/register", body=body)
        except TokenLost:
            raise _TokenUnknown(
                "The homeserver does not know the as_token. Has the registration file been added to its configuration, and has it been "
                "restarted since?"
            ) from None
        except Refused as no:
            if no.errcode != "M_USER_IN_USE":
                raise StartProblem(
                    f"The homeserver does not let the application service have {settings.user_id} ({no.errcode}). Its registration must name "
                    "that user in namespaces.users."
                ) from None


async def _make_device(client: Client, device: str) -> None:
    try:
        parts = {"device": device}
        await client.request("PUT", "/devices/{device}", parts=parts, body={"display_name": _NAME})
    except Refused as no:
        raise StartProblem(
            f"The homeserver does not let the application service make a device ({no.errcode}). Its registration must say "
            "`io.element.msc4190: true`, and the homeserver must know that (Synapse 1.121 or later)."
        ) from None


class _TokenUnknown(StartProblem):
    """A token that the homeserver does not know."""


async def _whoami(client: Client, settings: Matrix, name: str, *, needs_device: bool = True) -> str:
    """The device id that goes with the token. Raises StartProblem when it is not ours."""
    try:
        answer: dict[str, Any] = await client.request("GET", "/account/whoami")
    except TokenLost:
        raise _TokenUnknown(
            f"The homeserver does not know {name} (any more). Make a new one and give it to Hearth."
        ) from None
    except Refused as no:
        raise StartProblem(
            f"The homeserver refuses {name} ({no.errcode}). Does it belong to {settings.user_id}?"
        ) from None
    if answer.get("user_id") != settings.user_id:
        raise StartProblem(f"{name} does not belong to matrix.user_id, {settings.user_id}. Correct one of the two.")
    device = answer.get("device_id")
    if needs_device and not isinstance(device, str):
        raise StartProblem(
            f"{name} has no device, so nothing can be encrypted for it. Use one that comes from a sign-in."
        )
    return str(device)


def _held(data_dir: Path, user: str) -> dict[str, Any]:
    """What was stored at a former start, if it was for the same user."""
    try:
        held = json.loads(read_private(data_dir / SESSION_FILE) or "{}")
    except ValueError:
        return {}
    return held if isinstance(held, dict) and held.get("user_id") == user else {}
