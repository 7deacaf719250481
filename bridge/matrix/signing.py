"""The bot's own cross-signing identity: clients trust only devices that their owner has signed. Never verifies other people.

Spec: "Cross-signing". Three Ed25519 keys are made at the first start; their seeds lie in one file that only Hearth can read.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bridge.errors import Refused, TokenLost
from bridge.matrix.client import AuthNeeded, Client
from bridge.matrix.private_file import read_private, write_private
from bridge.matrix.problem import StartProblem

KINDS = ("master", "self_signing", "user_signing")

_LOST = (
    "The account already has a cross-signing identity, but its keys are not in {file}: members' clients will not trust "
    "Hearth's device, and may refuse to share keys with it. Put that file back from your backup of the data directory. If there "
    "is none, sign in to the account once with a Matrix client, choose to reset its cryptographic identity there, sign "
    "out, and give Hearth the account's password so that it can make a new identity."
)
_PROOF_NEEDED = (
    "The homeserver asks for the account's password before it accepts a cross-signing identity. Give Hearth "
    "matrix.password_file for one start; afterwards it can be removed."
)


@dataclass(frozen=True, slots=True)
class Seeds:
    """The private halves of the three keys, 32 bytes each. They never leave this machine."""

    master: bytes = field(repr=False)
    self_signing: bytes = field(repr=False)
    user_signing: bytes = field(repr=False)

    @classmethod
    def new(cls) -> "Seeds":
        """Three keys that nobody has seen."""
        return cls(*(Ed25519PrivateKey.generate().private_bytes_raw() for _ in KINDS))

    def dump(self) -> str:
        """The seeds as JSON, for the file."""
        return json.dumps({kind: _base64(getattr(self, kind)) for kind in KINDS})

    @classmethod
    def load(cls, text: str) -> "Seeds":
        """What `dump` wrote. Raises ValueError for anything else."""
        try:
            held = json.loads(text)
            seeds = [base64.b64decode(held[kind] + "=", validate=True) for kind in KINDS]
        except (KeyError, TypeError, ValueError) as trouble:
            raise ValueError("not a file of seeds") from trouble
        if any(len(seed) != 32 for seed in seeds):
            raise ValueError("not a file of seeds")
        return cls(*seeds)


def canonical_json(value: Any) -> bytes:
    """The one spelling of a JSON value that is signed (spec: "Canonical JSON")."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def public_key(seed: bytes) -> str:
    """The public half, as unpadded base64."""
    return _base64(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def signed(value: Mapping[str, Any], user: str, seed: bytes) -> dict[str, Any]:
    """The same object with one more signature, by this key (spec: "Signing JSON")."""
    bare = {name: item for name, item in value.items() if name not in {"signatures", "unsigned"}}
    signature = _base64(Ed25519PrivateKey.from_private_bytes(seed).sign(canonical_json(bare)))
    others = _mapping(value.get("signatures"))
    mine = {**_mapping(others.get(user)), f"ed25519:{public_key(seed)}": signature}
    return {**value, "signatures": {**others, user: mine}}


def is_signed(value: Any, user: str, key: str) -> bool:
    """Whether the object carries a valid signature of this user's public key. Never raises."""
    held = _mapping(value)
    signature = _mapping(_mapping(held.get("signatures")).get(user)).get(f"ed25519:{key}")
    bare = {name: item for name, item in held.items() if name not in {"signatures", "unsigned"}}
    try:
        Ed25519PublicKey.from_public_bytes(_bytes(key)).verify(_bytes(signature), canonical_json(bare))
    except (InvalidSignature, ValueError, TypeError, RecursionError):
        return False
    return True


def identity(user: str, seeds: Seeds) -> dict[str, Any]:
    """The body of `keys/device_signing/upload`: the master key, and the two others signed by it."""
    keys = {}
    for kind in KINDS:
        public = public_key(getattr(seeds, kind))
        key = {"user_id": user, "usage": [kind], "keys": {f"ed25519:{public}": public}}
        keys[f"{kind}_key"] = key if kind == "master" else signed(key, user, seeds.master)
    return keys


async def sign_own_device(client: Client, user: str, device: str, file: Path, password: str | None = None) -> None:
    """Make sure that this device is signed by its owner's identity, and look whether it is. Does nothing when all is well.

    Raises StartProblem with the cure, Refused or Unavailable.
    """
    seeds = _stored(file)
    known = await _own_keys(client, user)
    on_server = _public(known, user, "master")
    if seeds is None and on_server is not None:
        raise StartProblem(_LOST.format(file=file))
    if seeds is None:
        seeds = Seeds.new()
        # Written first: an identity that is uploaded and then forgotten could never be replaced without a password.
        write_private(file, seeds.dump())
    if on_server is not None and on_server != public_key(seeds.master):
        raise StartProblem(_LOST.format(file=file))
    if any(_public(known, user, kind) != public_key(getattr(seeds, kind)) for kind in KINDS):
        await _upload_identity(client, user, seeds, password)
    signer = public_key(seeds.self_signing)
    own = _device(known, user, device)
    if not is_signed(own, user, signer):
        body = {user: {device: signed(own, user, seeds.self_signing)}}
        await client.request("POST", "/keys/signatures/upload", body=body)
        own = _device(await _own_keys(client, user), user, device)
    if not is_signed(own, user, signer):
        raise StartProblem("The homeserver did not take the signature of Hearth's device. Its log should say why.")


def _stored(file: Path) -> Seeds | None:
    text = read_private(file)
    if text is None:
        return None
    try:
        return Seeds.load(text)
    except ValueError:
        raise StartProblem(f"{file} is damaged. Put it back from your backup of the data directory.") from None


async def _upload_identity(client: Client, user: str, seeds: Seeds, password: str | None) -> None:
    body = identity(user, seeds)
    path = "/keys/device_signing/upload"
    try:
        await client.request("POST", path, body=body)
    except AuthNeeded as asked:
        if password is None or "m.login.password" not in asked.stages:
            raise StartProblem(_PROOF_NEEDED) from None
        who = {"type": "m.id.user", "user": user}
        proof = {"type": "m.login.password", "identifier": who, "password": password, "session": asked.session}
        try:
            await client.request("POST", path, body={**body, "auth": proof})
        except TokenLost:
            raise
        except Refused as no:
            raise StartProblem(_PROOF_NEEDED + f" (The one that it has was refused: {no.errcode}.)") from None


async def _own_keys(client: Client, user: str) -> Mapping[str, Any]:
    return await client.request("POST", "/keys/query", body={"device_keys": {user: []}})


def _public(known: Mapping[str, Any], user: str, kind: str) -> str | None:
    """The public key of this kind that the homeserver holds for the user."""
    keys = _mapping(_mapping(_mapping(known.get(f"{kind}_keys")).get(user)).get("keys"))
    return next((key for key in keys.values() if isinstance(key, str)), None)


def _device(known: Mapping[str, Any], user: str, device: str) -> Mapping[str, Any]:
    found = _mapping(_mapping(_mapping(known.get("device_keys")).get(user)).get(device))
    if not found:
        raise StartProblem("The homeserver does not know the keys of Hearth's own device. Restart Hearth.")
    return {name: item for name, item in found.items() if name != "unsigned"}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not base64")  # noqa: TRY004 - one kind of error for what others send
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
