"""Device keys, one-time keys, cross-signing and to-device messages: a letter box. Never checks a signature."""

from __future__ import annotations

from typing import Any

from .accounts import Device, Session, User
from .errors import MatrixError
from .events import Content
from .model import Model


def changed(model: Model, user: User) -> None:
    """Tell everybody who shares a room that this user's keys are new."""
    model.key_changes.append((model.tick(), user.user_id))
    model.changed(None)


def key_counts(device: Device | None) -> Content:
    """What a sync tells a device about its own one-time and fallback keys."""
    if not device:
        return {"device_one_time_keys_count": {}, "device_unused_fallback_key_types": []}
    counts = {"signed_curve25519": 0} | {name: len(keys) for name, keys in device.one_time.items()}
    unused = [algorithm for algorithm, (_, _, used) in device.fallback.items() if not used]
    return {"device_one_time_keys_count": counts, "device_unused_fallback_key_types": unused}


def upload(model: Model, session: Session, body: Content) -> Content:
    """POST /keys/upload (spec: "End-to-end encryption")."""
    device = session.device
    if not device:
        raise MatrixError(400, "M_UNKNOWN", "To upload keys, you must pass device_id when authenticating")
    if (keys := body.get("device_keys")) and keys != device.keys:
        device.keys = keys
        changed(model, session.user)
    for full_id, key in body.get("one_time_keys", {}).items():
        algorithm, key_id = full_id.split(":", 1)
        held = device.one_time.setdefault(algorithm, {}).setdefault(key_id, key)
        if held != key:
            raise MatrixError(400, "M_UNKNOWN", f"One time key {full_id} already exists")
    for full_id, key in body.get("fallback_keys", {}).items():
        algorithm, key_id = full_id.split(":", 1)
        device.fallback[algorithm] = (key_id, key, False)
    return {"one_time_key_counts": key_counts(device)["device_one_time_keys_count"]}


def query(model: Model, session: Session, body: Content) -> Content:
    """POST /keys/query: devices and cross-signing keys; user-signing keys only to their owner."""
    found: dict[str, dict[str, Any]] = {
        "device_keys": {},
        "master_keys": {},
        "self_signing_keys": {},
        "user_signing_keys": {},
    }
    for user_id, wanted in body.get("device_keys", {}).items():
        user = model.accounts.users.get(user_id)
        if not user:
            continue
        found["device_keys"][user_id] = {
            device.device_id: device.keys | {"unsigned": {"device_display_name": device.display_name or ""}}
            for device in user.devices.values()
            if device.keys and (not wanted or device.device_id in wanted)
        }
        for kind, key in user.cross_signing.items():
            if kind != "user_signing" or user is session.user:
                found[f"{kind}_keys"][user_id] = key
    return {**found, "failures": {}}


def claim(model: Model, body: Content) -> Content:
    """POST /keys/claim: each one-time key is given once, then the fallback key."""
    claimed: dict[str, dict[str, Content]] = {}
    for user_id, devices in body.get("one_time_keys", {}).items():
        for device_id, algorithm in devices.items():
            user = model.accounts.users.get(user_id)
            device = user.devices.get(device_id) if user else None
            if not device:
                continue
            if held := device.one_time.get(algorithm):
                key_id = next(iter(held))
                key = held.pop(key_id)
            elif algorithm in device.fallback:
                key_id, key, _ = device.fallback[algorithm]
                device.fallback[algorithm] = (key_id, key, True)
            else:
                continue
            claimed.setdefault(user_id, {})[device_id] = {f"{algorithm}:{key_id}": key}
            model.changed({user_id})
    return {"one_time_keys": claimed, "failures": {}}


def send_to_device(model: Model, session: Session, event_type: str, messages: dict[str, dict[str, Content]]) -> None:
    """PUT /sendToDevice: into the inboxes; `*` is every device of that user."""
    for user_id, by_device in messages.items():
        user = model.accounts.users.get(user_id)
        for device_id, content in by_device.items() if user else ():
            targets = list(user.devices) if device_id == "*" else [device_id]
            for device in (user.devices[name] for name in targets if name in user.devices):
                entry = {"type": event_type, "sender": session.user.user_id, "content": content}
                device.inbox.append((model.tick(), entry))
    model.changed(set(messages))


def upload_cross_signing(model: Model, session: Session, body: Content) -> Content:
    """POST /keys/device_signing/upload: the first is taken as it is, replacing one takes the password (UIA)."""
    user = session.user
    new = {kind: body[f"{kind}_key"] for kind in ("master", "self_signing", "user_signing") if f"{kind}_key" in body}
    replaces = any(
        kind in user.cross_signing and _keys(user.cross_signing[kind]) != _keys(key) for kind, key in new.items()
    )
    if replaces:
        require_password(user, body)
    for kind, key in new.items():
        if _keys(user.cross_signing.get(kind, {})) != _keys(key):
            user.cross_signing[kind] = key
    changed(model, user)
    return {}


def upload_signatures(model: Model, session: Session, body: Content) -> Content:
    """POST /keys/signatures/upload: signatures are added to the stored device and cross-signing keys."""
    failures: dict[str, dict[str, Content]] = {}
    for user_id, objects in body.items():
        user = model.accounts.users.get(user_id)
        for key_id, signed in objects.items():
            target = _stored(user, key_id) if user else None
            if target is None:
                failures.setdefault(user_id, {})[key_id] = {"errcode": "M_NOT_FOUND", "error": "Unknown key"}
                continue
            for signer, signatures in signed.get("signatures", {}).items():
                target.setdefault("signatures", {}).setdefault(signer, {}).update(signatures)
        if user:
            changed(model, user)
    return {"failures": failures}


def key_changes(model: Model, session: Session, first: int, last: int) -> Content:
    """GET /keys/changes between two stream positions."""
    me = session.user.user_id
    near = {
        me,
        *(
            u
            for room_id in session.user.rooms
            for u in model.rooms[room_id].joined
            if me in model.rooms[room_id].joined
        ),
    }
    return {
        "changed": sorted({u for stream, u in model.key_changes if first < stream <= last and u in near}),
        "left": [],
    }


def require_password(user: User, body: Content) -> None:
    """User-interactive authentication with one stage: the password (spec: "User-Interactive Authentication")."""
    auth = body.get("auth") or {}
    if auth.get("type") == "m.login.password" and auth.get("password") == user.password and user.password:
        return
    flows = {"flows": [{"stages": ["m.login.password"]}], "params": {}, "session": "uia"}
    raise MatrixError(401, "M_FORBIDDEN", "Further authentication is required", **flows)


def _keys(stored: Content) -> Any:
    return stored.get("keys")


def _stored(user: User, key_id: str) -> Content | None:
    """A device by its id, or a cross-signing key by its public key."""
    if device := user.devices.get(key_id):
        return device.keys
    return next((key for key in user.cross_signing.values() if f"ed25519:{key_id}" in key.get("keys", {})), None)
