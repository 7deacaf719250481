"""What we know of other people's devices, learned from the homeserver and checked; never a message.

Spec: "Key management". Others send these objects over federation: one that makes no sense is left out, the rest counts.
"""

import asyncio
import copy
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nio.crypto import OlmDevice
from nio.responses import KeysClaimResponse, KeysQueryResponse

from bridge.matrix.client import Client
from bridge.matrix.crypto_store import Machine

_USERS_PER_QUERY = 250
_DEVICES_PER_CLAIM = 250
_FIRST_WAIT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 3600.0
_SERVERS_WAIT_MS = 10_000


class Waits:
    """Whom we could not reach, and when to try again: each time twice as late."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, float]] = {}

    def ready(self, name: str) -> bool:
        """Whether it may be tried (again) now."""
        return self._until.get(name, (0.0, 0.0))[0] <= time.monotonic()

    def failed(self, name: str) -> None:
        """It could not be reached just now."""
        wait = min(self._until.get(name, (0.0, _FIRST_WAIT_SECONDS / 2))[1] * 2, _LONGEST_WAIT_SECONDS)
        self._until[name] = (time.monotonic() + wait, wait)

    def reached(self, name: str) -> None:
        """It answered."""
        self._until.pop(name, None)

    @property
    def any(self) -> bool:
        """Whether somebody is still waited for."""
        return bool(self._until)

    def again_in_seconds(self) -> float | None:
        """Until the next may be tried again; None when there is none. Who might have been tried already is not wanted any more."""
        now = time.monotonic()
        return min((until - now for until, _ in self._until.values() if until > now), default=None)


class Devices:
    """The devices of the people that we encrypt for, and an Olm session with each of them."""

    def __init__(self, machine: Machine, client: Client) -> None:
        """Nothing is asked yet. Each process asks anew: what changed while we were away, nobody would tell us."""
        self._machine = machine
        self._client = client
        self._known: set[str] = set()
        self._lock = asyncio.Lock()
        self.waits = Waits()

    def changed(self, users: Iterable[Any]) -> None:
        """These users' devices are not what they were (`device_lists` of a sync response)."""
        self._known.difference_update(user for user in users if isinstance(user, str))

    def of(self, users: Iterable[str]) -> Iterator[OlmDevice]:
        """Their devices as far as we know them, without our own."""
        olm = self._machine.olm
        for user in users:
            for device in list(olm.device_store.active_user_devices(user)):
                if (user, device.id) != (olm.user_id, olm.device_id):
                    yield device

    async def learn(self, users: Sequence[str]) -> None:
        """Ask for the devices of whoever we do not know (any more). Servers that do not answer are asked later. Raises Unavailable."""
        async with self._lock:
            unknown = [user for user in users if user not in self._known and self.waits.ready(user)]
            for start in range(0, len(unknown), _USERS_PER_QUERY):
                await self._query(unknown[start : start + _USERS_PER_QUERY])

    async def meet(self, devices: Sequence[OlmDevice]) -> None:
        """Begin an Olm session with each of these that we have none with. Who cannot be reached now is tried later. Raises Unavailable."""
        async with self._lock:
            strangers = [device for device in devices if not self.session(device) and self.waits.ready(name_of(device))]
            for start in range(0, len(strangers), _DEVICES_PER_CLAIM):
                await self._claim(strangers[start : start + _DEVICES_PER_CLAIM])

    async def mend(self) -> None:
        """Begin anew with devices whose messages we can no longer read, and tell them so (spec: "Recovering from undecryptable messages")."""
        olm = self._machine.olm
        async with self._lock:
            broken = [device for device in list(olm.wedged_devices) if self.waits.ready(name_of(device))]
            if broken:
                await self._claim(broken)

    def session(self, device: OlmDevice) -> Any:
        """Our newest Olm session with this device, or None."""
        return self._machine.olm.session_store.get(device.curve25519)

    async def _query(self, users: Sequence[str]) -> None:
        body = {"device_keys": {user: [] for user in users}, "timeout": _SERVERS_WAIT_MS}
        answer = await self._client.request("POST", "/keys/query", body=body)
        told, failures = _mapping(answer.get("device_keys")), _mapping(answer.get("failures"))
        sane = {user: self._sane(user, told.get(user)) for user in users if user in told}
        with self._machine.atomic():
            self._machine.olm.handle_response(KeysQueryResponse(sane, {}))
        for user in users:
            if user not in told and user.partition(":")[2] in failures:
                self.waits.failed(user)
            else:
                self._known.add(user)
                self.waits.reached(user)

    def _sane(self, user: str, devices: Any) -> dict[str, Any]:
        """Only the devices that are what they say; a broken one must not hide its owner's others."""
        sane = {}
        for device, payload in _mapping(devices).items():
            keys = _mapping(_mapping(payload).get("keys"))
            if (payload.get("user_id"), payload.get("device_id")) != (user, device) if keys else True:
                continue
            try:
                held = copy.deepcopy(payload)
                if isinstance(keys[f"curve25519:{device}"], str) and self._machine.olm.verify_json(
                    held, keys[f"ed25519:{device}"], user, device
                ):
                    named = _mapping(payload.get("unsigned")).get("device_display_name")
                    sane[device] = {
                        **payload,
                        "unsigned": {"device_display_name": named if isinstance(named, str) else ""},
                    }
            except Exception:  # noqa: BLE001, S112 - whatever a stranger's key does to the library, it is no device
                continue
        return sane

    async def _claim(self, devices: Sequence[OlmDevice]) -> None:
        wanted: dict[str, dict[str, str]] = {}
        for device in devices:
            wanted.setdefault(device.user_id, {})[device.id] = "signed_curve25519"
        body = {"one_time_keys": wanted, "timeout": _SERVERS_WAIT_MS}
        answer = await self._client.request("POST", "/keys/claim", body=body)
        claimed = _mapping(answer.get("one_time_keys"))
        for device in devices:
            before = self.session(device)
            key = _mapping(claimed.get(device.user_id)).get(device.id)
            if isinstance(key, dict) and key:
                self._begin(device, key)
            if self.session(device) is before:
                self.waits.failed(name_of(device))
            else:
                self.waits.reached(name_of(device))

    def _begin(self, device: OlmDevice, key: Mapping[str, Any]) -> None:
        try:
            self._machine.olm.handle_response(KeysClaimResponse({device.user_id: {device.id: dict(key)}}, {}))
        except Exception:  # noqa: BLE001 - a stranger's key that the library cannot bear is no key
            return


def name_of(device: OlmDevice) -> str:
    """A name that no other device has."""
    return f"{device.user_id} {device.id} {device.curve25519}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
