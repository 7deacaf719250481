"""Signatures of notices are those of Standard Webhooks, to the letter."""

import pytest

from bridge.web.hooks import Rejected, keys, read, sign, verified

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, STAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The example in the specification's reference libraries."""
NOW_MS = int(STAMP) * 1000


def headers(**changed: str) -> dict[str, str]:
    found = {"webhook-id": ID, "webhook-timestamp": STAMP, "webhook-signature": SIGNED}
    return found | {f"webhook-{name}": value for name, value in changed.items()}


def test_the_published_example_is_signed_alike() -> None:
    (key,) = keys(SECRET)
    assert sign(key, ID, STAMP, BODY) == SIGNED
    assert verified([key], headers(), BODY, NOW_MS) == ID


@pytest.mark.parametrize("moved_ms", [-300_001, 300_001])
def test_too_old_or_too_new_is_not_looked_at(moved_ms: int) -> None:
    with pytest.raises(Rejected, match="timestamp"):
        verified(keys(SECRET), headers(), BODY, NOW_MS + moved_ms)


@pytest.mark.parametrize(
    "changed",
    [{"signature": ""}, {"signature": SIGNED[3:]}, {"signature": f"v2{SIGNED[2:]}"}, {"id": "msg_x"}, {"timestamp": "1614265331"}, {"timestamp": "١٦"}, {"signature": "v1,é"}],
)  # fmt: skip
def test_whatever_is_changed_does_not_fit(changed: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        verified(keys(SECRET), headers(**changed), BODY, NOW_MS)


def test_without_a_secret_nothing_fits() -> None:
    with pytest.raises(Rejected, match="signature"):
        verified((), headers(), BODY, NOW_MS)


def test_what_a_notice_says_is_all_that_is_kept_of_it() -> None:
    body = b'{"type": "membership.paid", "timestamp": "2026-01-05T12:00:00+01:00", "data": {"payer": "cus_1", "days": 30, "card": "4242", "name": "Eve"}}'
    heard = read("msg_1", body)
    assert heard is not None
    assert heard.notice.at_ms == 1767610800000
    assert "4242" not in repr(heard)
    assert "Eve" not in repr(heard)
