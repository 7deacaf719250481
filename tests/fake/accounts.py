"""Accounts, devices, access tokens and application services. Never knows rooms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import MatrixError, forbidden
from .events import Content


@dataclass(slots=True)
class Device:
    """One log-in, its to-device inbox and its keys."""

    device_id: str
    display_name: str | None = None
    inbox: list[tuple[int, Content]] = field(default_factory=list)
    keys: Content | None = None
    one_time: dict[str, dict[str, Content]] = field(default_factory=dict)  # algorithm -> key id -> key
    fallback: dict[str, tuple[str, Content, bool]] = field(default_factory=dict)  # algorithm -> key id, key, used


@dataclass(slots=True)
class User:
    """An account of any server."""

    user_id: str
    password: str | None = None
    displayname: str | None = None
    avatar_url: str | None = None
    admin: bool = False
    devices: dict[str, Device] = field(default_factory=dict)
    account_data: dict[tuple[str, str], tuple[int, Content]] = field(default_factory=dict)  # (room id or "", type)
    account_stream: int = 0
    rooms: dict[str, int] = field(default_factory=dict)  # room id -> stream position of the last membership change
    cross_signing: dict[str, Content] = field(default_factory=dict)  # master, self_signing, user_signing
    filters: list[Content] = field(default_factory=list)
    ratelimit: Content | None = None  # an override as the admin API stores it


@dataclass(frozen=True, slots=True)
class AppService:
    """A registration: its as_token may act as every user whose id matches."""

    as_token: str
    sender: str
    users: str
    rate_limited: bool = False

    def owns(self, user_id: str) -> bool:
        """Whether it may act as this user."""
        return user_id == self.sender or re.fullmatch(self.users, user_id) is not None


@dataclass(frozen=True, slots=True)
class Session:
    """Who is asking: an account, perhaps a device, perhaps through an application service."""

    user: User
    device: Device | None
    token: str
    service: AppService | None = None

    @property
    def transactions(self) -> str:
        """Transaction ids are remembered per device, or per token where there is none."""
        return f"{self.user.user_id}|{self.device.device_id if self.device else self.token}"


class Accounts:
    """All accounts of the fake, of its own and of other servers."""

    def __init__(self, server_name: str) -> None:
        self.server_name = server_name
        self.users: dict[str, User] = {}
        self.services: dict[str, AppService] = {}
        self._tokens: dict[str, tuple[str, str]] = {}
        self._made = 0

    def full_id(self, name: str) -> str:
        """`ann`, `@ann` or `@ann:b.test` as a user id; the own server is the default."""
        name = name if name.startswith("@") else f"@{name}"
        return name if ":" in name else f"{name}:{self.server_name}"

    def ensure(self, name: str) -> User:
        """The account with that name, made if missing."""
        user_id = self.full_id(name)
        if user_id not in self.users:
            self.users[user_id] = User(user_id, displayname=user_id[1:].partition(":")[0])
        return self.users[user_id]

    def open(self, user: User, device_id: str | None = None, device_name: str | None = None) -> Session:
        """A new access token; an existing device keeps its keys and loses its older tokens."""
        self._made += 1
        device_id = device_id or f"DEVICE{self._made}"
        self.close(user.user_id, device_id)
        device = user.devices.setdefault(device_id, Device(device_id, device_name))
        token = f"syt_{self._made}_{user.user_id}"
        self._tokens[token] = (user.user_id, device_id)
        return Session(user, device, token)

    def close(self, user_id: str, device_id: str | None = None) -> None:
        """Make the tokens of a device, or of all devices, unknown."""
        gone = [t for t, (owner, d) in self._tokens.items() if owner == user_id and device_id in {None, d}]
        for token in gone:
            del self._tokens[token]

    def login(self, body: Content, bearer: str | None) -> Session:
        """POST /login: m.login.password or m.login.application_service (spec: "Login")."""
        wanted = body.get("identifier", {}).get("user") or body.get("user", "")
        user_id = self.full_id(wanted)
        if body.get("type") == "m.login.application_service":
            service = self.services.get(bearer or "")
            if not service:
                raise MatrixError(401, "M_UNKNOWN_TOKEN", "Unrecognised access token")
            if not service.owns(user_id):
                raise MatrixError(403, "M_EXCLUSIVE", "User is not in the namespace")
            user = self.ensure(user_id)
        elif body.get("type") == "m.login.password":
            found = self.users.get(user_id)
            if not found or not found.password or found.password != body.get("password"):
                raise forbidden("Invalid username or password")
            user = found
        else:
            raise MatrixError(400, "M_UNKNOWN", "Unknown login type")
        return self.open(user, body.get("device_id"), body.get("initial_device_display_name"))

    def session(self, token: str | None, query: Any) -> Session:
        """Who a bearer token is; an as_token may masquerade by ?user_id= and ?device_id=."""
        if not token:
            raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
        if service := self.services.get(token):
            return self._masquerade(service, query)
        if token not in self._tokens:
            raise MatrixError(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", soft_logout=False)
        user_id, device_id = self._tokens[token]
        user = self.users[user_id]
        return Session(user, user.devices[device_id], token)

    def _masquerade(self, service: AppService, query: Any) -> Session:
        user_id = query.get("user_id", service.sender)
        if not service.owns(user_id):
            raise forbidden("Application service cannot masquerade as this user.")
        user = self.users.get(user_id)
        if not user:
            raise forbidden("Application service has not registered this user")
        device_id = query.get("device_id") or query.get("org.matrix.msc3202.device_id")
        if device_id and device_id not in user.devices:
            raise MatrixError(400, "M_UNKNOWN_DEVICE", "Application service trying to use a device that doesn't exist")
        return Session(user, user.devices[device_id] if device_id else None, service.as_token, service)
