"""Puts our side of Matrix together: session, encryption, signature, gateway, sync loop; never decides anything about a community."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from bridge.config import Matrix as Settings
from bridge.matrix.admin import AdminReports
from bridge.matrix.client import Client
from bridge.matrix.crypto import Crypto, KeysLost
from bridge.matrix.gateway import Gateway
from bridge.matrix.problem import StartProblem
from bridge.matrix.rooms import Rooms
from bridge.matrix.session import Session, forget_device, open_session
from bridge.matrix.signing import sign_own_device
from bridge.matrix.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Matrix:
    """Our account on its homeserver, ready to use. `notes` say what is not perfect, in words for the person who runs it."""

    client: Client
    user: str
    device: str
    crypto: Crypto | None
    rooms: Rooms
    gateway: Gateway
    waiting: Waiting | None
    notes: tuple[str, ...]
    reports: AdminReports | None = None


@asynccontextmanager
async def connect(settings: Settings, data_dir: Path, admin: SecretStr | None = None) -> AsyncIterator[Matrix]:
    """Sign in, open the encryption keys and sign our device. Raises StartProblem with the cure, or Unavailable.

    `admin` is the token of an administrator, with which nothing is done but reading what was reported.
    """
    async with AsyncExitStack() as stack:
        session = await open_session(settings, data_dir)
        stack.push_async_callback(session.client.close)
        crypto, notes = None, []
        if settings.encryption:
            try:
                crypto = await _open_crypto(session, data_dir)
            except KeysLost:
                if not session.renewable:
                    raise
                forget_device(data_dir)
                session = await open_session(settings, data_dir)
                stack.push_async_callback(session.client.close)
                crypto = await _open_crypto(session, data_dir)
            stack.callback(crypto.close)
            try:
                await sign_own_device(
                    session.client, session.user, session.device, data_dir / "cross-signing.json", session.password
                )
            except StartProblem as problem:
                # Unsigned it can still read and write wherever people's clients let it.
                notes.append(problem.text)
        rooms = Rooms(session.client, crypto)
        reports = None
        if admin is not None:
            reading = await stack.enter_async_context(Client(settings.homeserver, admin.get_secret_value()))
            reports = AdminReports(reading)
        yield Matrix(
            session.client,
            session.user,
            session.device,
            crypto,
            rooms,
            Gateway(session.client, session.user, rooms, crypto, reports),
            Waiting(data_dir / "crypto" / "waiting.json") if crypto else None,
            tuple(notes),
            reports,
        )


async def _open_crypto(session: Session, data_dir: Path) -> Crypto:
    return await Crypto.open(data_dir / "crypto", session.client, session.user, session.device)
