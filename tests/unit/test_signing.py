"""The pure parts of cross-signing, against values that the specification gives."""

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.matrix.private_file import read_private, write_private
from bridge.matrix.signing import KINDS, Seeds, canonical_json, identity, is_signed, public_key, signed

BOT = "@bot:a.test"
SPEC_SEED = "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"


@pytest.fixture
def seeds() -> Seeds:
    return Seeds(b"m" * 32, b"s" * 32, b"u" * 32)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "{}"),
        ({"one": 1, "two": "Two"}, '{"one":1,"two":"Two"}'),
        ({"b": "2", "a": "1"}, '{"a":"1","b":"2"}'),
        ({"a": "日本語"}, '{"a":"日本語"}'),
        ({"本": 2, "日": 1}, '{"日":1,"本":2}'),
        ({"a": "\u65e5"}, '{"a":"日"}'),
        ({"a": None}, '{"a":null}'),
        ({"z": {"y": [True, {"d": 1, "c": 2}]}}, '{"z":{"y":[true,{"c":2,"d":1}]}}'),
    ],
)
def test_canonical_json_is_spelled_as_the_specification_spells_it(value: Any, expected: str) -> None:
    assert canonical_json(value) == expected.encode()


def test_signatures_are_those_of_the_specification() -> None:
    seed = base64.b64decode(SPEC_SEED + "=")
    # The test vectors sign as "domain" with the key id ed25519:1; the signature does not depend on either.
    for value, expected in (
        ({}, "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"),
        (
            {"one": 1, "two": "Two"},
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
        ),
    ):
        made = signed(value, "domain", seed)
        assert made["signatures"]["domain"] == {f"ed25519:{public_key(seed)}": expected}


def test_a_signature_leaves_the_others_and_what_is_unsigned_alone(seeds: Seeds) -> None:
    key = public_key(seeds.master)
    first = signed({"a": 1, "unsigned": {"age": 5}}, BOT, seeds.master)
    both = signed(first, BOT, seeds.self_signing)
    assert both["unsigned"] == {"age": 5}
    assert set(both["signatures"][BOT]) == {f"ed25519:{key}", f"ed25519:{public_key(seeds.self_signing)}"}
    assert is_signed(both, BOT, key)
    assert is_signed({**both, "unsigned": {}}, BOT, key)


def test_a_changed_object_another_user_or_another_key_is_not_signed(seeds: Seeds) -> None:
    key = public_key(seeds.master)
    made = signed({"a": 1}, BOT, seeds.master)
    assert is_signed(made, BOT, key)
    assert not is_signed({**made, "a": 2}, BOT, key)
    assert not is_signed(made, "@eve:a.test", key)
    assert not is_signed(made, BOT, public_key(seeds.self_signing))
    forged = {"a": 1, "signatures": {BOT: {f"ed25519:{key}": "A" * 86}}}
    assert not is_signed(forged, BOT, key)


def test_the_identity_is_one_master_and_two_keys_that_it_signed(seeds: Seeds) -> None:
    body = identity(BOT, seeds)
    master = public_key(seeds.master)
    assert set(body) == {"master_key", "self_signing_key", "user_signing_key"}
    for kind in KINDS:
        key = body[f"{kind}_key"]
        assert key["usage"] == [kind]
        assert key["user_id"] == BOT
        assert list(key["keys"].values()) == [public_key(getattr(seeds, kind))]
        assert is_signed(key, BOT, master) == (kind != "master")


def test_seeds_come_back_from_their_file_and_only_their_owner_may_read_it(tmp_path: Path) -> None:
    seeds = Seeds.new()
    file = tmp_path / "new" / "cross-signing.json"
    assert read_private(file) is None
    for _ in range(2):
        write_private(file, seeds.dump())
    assert Seeds.load(read_private(file) or "") == seeds
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]
    assert Seeds.new() != seeds


def test_no_seed_is_in_what_may_be_logged() -> None:
    seeds = Seeds.new()
    for kind in KINDS:
        assert repr(getattr(seeds, kind)) not in repr(seeds)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"master": 1}', '{"master":"AA","self_signing":"AA","user_signing":"AA"}']
)
def test_a_damaged_file_of_seeds_is_said_to_be_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a file of seeds"):
        Seeds.load(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON)
def test_nothing_that_a_homeserver_may_send_is_taken_for_a_signature(value: Any, signature: Any) -> None:
    key = public_key(b"m" * 32)
    assert not is_signed(value, BOT, key)
    assert not is_signed({"a": value, "signatures": {BOT: {f"ed25519:{key}": signature}}}, BOT, key)
    assert not is_signed({"a": 1, "signatures": signature}, BOT, key)
