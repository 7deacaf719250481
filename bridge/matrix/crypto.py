"""End-to-end encryption of our device: reads and writes what is encrypted; never decides who may read, and never logs what it read.

Spec: "End-to-End Encryption". Olm, Megolm and their store are matrix-nio's; the requests go through our own client.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from nio.crypto import OlmDevice
from nio.events import OlmEvent, ToDeviceEvent
from nio.responses import KeysUploadResponse, ToDeviceResponse

from bridge.matrix.client import Client
from bridge.matrix.crypto_store import Machine, open_machine
from bridge.matrix.devices import Devices
from bridge.matrix.problem import StartProblem

MEGOLM = "m.megolm.v1.aes-sha2"

_DEVICES_PER_MESSAGE = 50


class KeysLost(StartProblem):
    """This device has keys on the homeserver that we do not hold: only a new device helps."""


@dataclass(slots=True)
class _Sharing:
    """Who has the key of a room's current outgoing session."""

    session: str
    first_key: str = field(repr=False)
    first_members: frozenset[str]
    devices: set[tuple[str, str, str]] = field(default_factory=set)
    members: tuple[str, ...] = ()


class Crypto:
    """The encryption of one device. Made by `Crypto.open`; one event loop, one process."""

    def __init__(self, machine: Machine, client: Client) -> None:
        """Take an opened machine; `open` is what others call."""
        self._machine = machine
        self._client = client
        self._devices = Devices(machine, client)
        self._sharings: dict[str, _Sharing] = {}
        self._rooms: dict[str, asyncio.Lock] = {}
        self._fallback_wanted = False
        self._encrypted = frozenset(machine.store.load_encrypted_rooms())

    @classmethod
    async def open(cls, directory: Path, client: Client, user: str, device: str) -> Self:
        """The keys in `directory`, made at the first start, and known to the homeserver when this returns.

        Raises KeysLost, StartProblem, Refused or Unavailable.
        """
        machine = open_machine(directory, user, device)
        try:
            crypto = cls(machine, client)
            await crypto._introduce()
        except BaseException:
            machine.close()
            raise
        return crypto

    def close(self) -> None:
        """Let go of the files."""
        self._machine.close()

    @property
    def fingerprint(self) -> str:
        """Our device's Ed25519 key, as clients show it."""
        return str(self._machine.olm.account.identity_keys["ed25519"])

    @property
    def encrypted_rooms(self) -> frozenset[str]:
        """Rooms that were ever seen encrypted: for these there is no way back, whatever a homeserver says later."""
        return self._encrypted

    def remember_encrypted(self, room: str) -> None:
        """This room is encrypted from now on, over restarts."""
        if room not in self._encrypted:
            self._encrypted |= {room}
            self._machine.store.save_encrypted_rooms([room])

    def receive(self, response: Mapping[str, Any]) -> None:
        """Take in what a sync response says about keys, before its events are decrypted. Asks nobody and never fails.

        What has to be told to others because of it waits for `tend`.
        """
        lists = _mapping(response.get("device_lists"))
        self._devices.changed(_list(lists.get("changed")) + _list(lists.get("left")))
        with self._machine.atomic():
            for raw in _list(_mapping(response.get("to_device")).get("events")):
                self._to_device(raw)
        counts = response.get("device_one_time_keys_count")
        if isinstance(counts, dict):
            held = counts.get("signed_curve25519", 0)
            self._machine.olm.uploaded_key_count = held if isinstance(held, int) else 0
        unused = response.get("device_unused_fallback_key_types")
        if isinstance(unused, list):
            self._fallback_wanted = "signed_curve25519" not in unused

    async def tend(self) -> None:
        """Top up our keys, mend broken sessions, and give room keys to whoever could not be reached. Raises Refused or Unavailable."""
        await self._upload()
        await self._devices.mend()
        await self._send_prepared()
        await self._catch_up()

    def again_in_ms(self) -> int | None:
        """How soon `tend` is wanted again although nothing was heard; None when there is no hurry."""
        seconds = self._devices.waits.again_in_seconds()
        return None if seconds is None else int(seconds * 1000) + 1

    def has_key(self, room: str, session: str) -> bool:
        """Whether we hold this room key."""
        return self._session(room, session) is not None

    def decrypt(self, raw: Mapping[str, Any], room: str) -> dict[str, Any] | None:
        """The raw event that an `m.room.encrypted` event of this room holds, with the outer id, sender and relation; None when we cannot."""
        content = _mapping(raw.get("content"))
        sender, session_id, ciphertext = raw.get("sender"), content.get("session_id"), content.get("ciphertext")
        if content.get("algorithm") != MEGOLM or not isinstance(session_id, str) or not isinstance(ciphertext, str):
            return None
        session = self._session(room, session_id)
        if session is None or not self._may_speak_as(sender, session.sender_key):
            return None
        try:
            text, index = session.decrypt(ciphertext)
            inner = json.loads(text)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is one unreadable event
            return None
        trace = SimpleNamespace(
            sender_key=session.sender_key,
            session_id=session_id,
            event_id=raw.get("event_id"),
            server_timestamp=raw.get("origin_server_ts"),
        )
        # The same ciphertext under another id is somebody repeating another one's words.
        if not self._machine.olm.message_index_ok(index, trace):
            return None
        said = inner.get("content") if isinstance(inner, dict) and inner.get("room_id") == room else None
        if not isinstance(said, dict) or not isinstance(inner.get("type"), str):
            return None
        if "m.relates_to" in content:
            said = {**said, "m.relates_to": content["m.relates_to"]}
        kept = {name: raw[name] for name in ("event_id", "sender", "origin_server_ts", "unsigned") if name in raw}
        return {**kept, "room_id": room, "type": inner["type"], "content": said}

    async def encrypt(
        self, room: str, members: Sequence[str], kind: str, content: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Type and content of the event to send instead, readable for every device of `members`. Raises Unavailable.

        `members` are all who may read it. Devices that cannot be reached now get the key later (`tend`). The relation
        stays outside, where homeservers need it.
        """
        async with self._rooms.setdefault(room, asyncio.Lock()):
            await self._share(room, tuple(members))
            plain = {"type": kind, "content": {name: item for name, item in content.items() if name != "m.relates_to"}}
            secret = self._sealed(room, plain)
        if "m.relates_to" in content:
            secret["m.relates_to"] = content["m.relates_to"]
        return "m.room.encrypted", secret

    def _sealed(self, room: str, plain: Mapping[str, Any]) -> dict[str, Any]:
        """What nio's `group_encrypt` does, but in UTF-8: nio writes six bytes for every letter that is not ASCII, and an event may have 64 KiB."""
        olm = self._machine.olm
        session = olm.outbound_group_sessions[room]
        text = json.dumps({**plain, "room_id": room}, ensure_ascii=False, separators=(",", ":"))
        return {
            "algorithm": MEGOLM,
            "sender_key": olm.account.identity_keys["curve25519"],
            "ciphertext": session.encrypt(text.encode("utf-8", "replace").decode()),
            "session_id": session.id,
            "device_id": olm.device_id,
        }

    # --- our own keys -----------------------------------------------------------------------------------------------

    async def _introduce(self) -> None:
        """Let the homeserver know our device, and find out whether it knows another one by that name."""
        olm = self._machine.olm
        answer = await self._client.request("POST", "/keys/query", body={"device_keys": {olm.user_id: []}})
        device = _mapping(_mapping(_mapping(answer.get("device_keys")).get(olm.user_id)).get(olm.device_id))
        known = _mapping(device.get("keys")).get(f"ed25519:{olm.device_id}")
        if known not in {None, self.fingerprint}:
            raise KeysLost(
                "Hearth's encryption keys do not belong to its access token: they were lost, or are those of another device. "
                "Give Hearth a new access token (a new login), so that it begins as a new device."
            )
        if known is None:
            olm.account.shared = False
        await self._upload()

    async def _upload(self) -> None:
        """Top up our one-time keys, and the fallback key for when they run out while we are away."""
        olm = self._machine.olm
        first = not olm.account.shared
        body = olm.share_keys() if olm.should_upload_keys else {}
        account = olm.account._account  # noqa: SLF001 - nio knows no fallback keys, the library under it does
        if (self._fallback_wanted or first) and not account.fallback_key:
            account.generate_fallback_key()
        if account.fallback_key:
            body["fallback_keys"] = {
                f"signed_curve25519:{name}": self._signed_key(key.to_base64())
                for name, key in account.fallback_key.items()
            }
        if not body:
            return
        # Kept before they are given away: a key that others use and we forgot is a message that we cannot read.
        olm.save_account()
        answer = await self._client.request("POST", "/keys/upload", body=body)
        held = _mapping(answer.get("one_time_key_counts")).get("signed_curve25519", 0)
        olm.handle_response(KeysUploadResponse(0, held if isinstance(held, int) else 0))
        self._fallback_wanted = False

    def _signed_key(self, key: str) -> dict[str, Any]:
        olm = self._machine.olm
        held: dict[str, Any] = {"key": key, "fallback": True}
        signature = olm.sign_json(held)
        return {**held, "signatures": {olm.user_id: {f"ed25519:{olm.device_id}": signature}}}

    # --- what others send to our device -----------------------------------------------------------------------------

    def _to_device(self, raw: Any) -> None:
        """One message to our device. Only Olm messages matter, for they bring room keys: we take part in no verification."""
        try:
            event = ToDeviceEvent.parse_event(raw)
            if isinstance(event, OlmEvent):
                self._machine.olm.decrypt_event(event)
        except Exception:  # noqa: BLE001 - anybody may send us anything; it must not cost the rest
            return

    def _session(self, room: str, session: str) -> Any:
        """A room key by its id alone: newer clients no longer tell the sender's key."""
        for sessions in list(self._machine.olm.inbound_group_store[room].values()):
            if session in sessions:
                return sessions[session]
        return None

    def _may_speak_as(self, sender: Any, sender_key: str) -> bool:
        """Not when the key is known to be somebody else's device: then a homeserver puts words into its user's mouth."""
        olm = self._machine.olm
        if not isinstance(sender, str):
            return False
        if sender_key == olm.account.identity_keys["curve25519"]:
            return bool(sender == olm.user_id)
        if any(device.curve25519 == sender_key for device in list(olm.device_store[sender].values())):
            return True
        return not any(device.curve25519 == sender_key for device in olm.device_store)

    # --- room keys that we give ---------------------------------------------------------------------------------------

    async def _share(self, room: str, members: tuple[str, ...]) -> None:
        """Make sure that the room has a session of ours, and that exactly these members' devices have its key."""
        olm = self._machine.olm
        await self._devices.learn(members)
        allowed = {_identity(device) for device in self._devices.of(members)}
        sharing = self._sharings.get(room)
        session = olm.outbound_group_sessions.get(room)
        if sharing is None or session is None or session.expired or sharing.devices - allowed:
            # Who has left must not read on.
            olm.create_outbound_group_session(room)
            session = olm.outbound_group_sessions[room]
            sharing = _Sharing(session.id, session.session_key, frozenset(members))
            self._sharings[room] = sharing
        sharing.members = members
        await self._hand_out(room, sharing)
        session.mark_as_shared()

    async def _hand_out(self, room: str, sharing: _Sharing) -> None:
        """Send the session's key to those of its members' devices that do not have it and can be reached."""
        await self._devices.learn(sharing.members)
        lacking = [d for d in self._devices.of(sharing.members) if _identity(d) not in sharing.devices]
        await self._devices.meet(lacking)
        reachable = [device for device in lacking if self._devices.session(device)]
        for start in range(0, len(reachable), _DEVICES_PER_MESSAGE):
            part = reachable[start : start + _DEVICES_PER_MESSAGE]
            await self._send_key(room, sharing, part)
            sharing.devices.update(map(_identity, part))

    async def _send_key(self, room: str, sharing: _Sharing, devices: Sequence[OlmDevice]) -> None:
        olm = self._machine.olm
        now = olm.outbound_group_sessions[room].session_key
        messages: dict[str, dict[str, Any]] = {}
        with self._machine.atomic():
            for device in devices:
                # Somebody who was here from the session's beginning may read all of it, however late their server answers.
                key = sharing.first_key if device.user_id in sharing.first_members else now
                content = {"algorithm": MEGOLM, "room_id": room, "session_id": sharing.session, "session_key": key}
                session = self._devices.session(device)
                sealed = olm._olm_encrypt(session, device, "m.room_key", content)  # noqa: SLF001 - nio has no way for one device
                messages.setdefault(device.user_id, {})[device.id] = sealed
        await self._to_devices({"messages": messages})

    async def _catch_up(self) -> None:
        """Give the room keys to devices that could not be reached when they were made."""
        if not self._devices.waits.any:
            return
        for room, sharing in list(self._sharings.items()):
            async with self._rooms.setdefault(room, asyncio.Lock()):
                if self._sharings.get(room) is sharing:
                    await self._hand_out(room, sharing)

    async def _send_prepared(self) -> None:
        """What nio wants to tell other devices: that a broken session begins anew."""
        olm = self._machine.olm
        for message in list(olm.outgoing_to_device_messages):
            if message.type == "m.room.encrypted":
                await self._to_devices(message.as_dict())
            olm.handle_response(ToDeviceResponse(message))

    async def _to_devices(self, body: Mapping[str, Any]) -> None:
        parts = {"transaction": uuid.uuid4().hex}
        await self._client.request("PUT", "/sendToDevice/m.room.encrypted/{transaction}", parts=parts, body=body)


def _identity(device: OlmDevice) -> tuple[str, str, str]:
    return device.user_id, device.id, device.curve25519


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
