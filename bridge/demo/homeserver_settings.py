"""The settings of one homeserver, as the object that its configuration file holds (pure); it never writes anything."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

Limits = Literal["relaxed", "default"]

_PLAIN_LIMITS = (
    "rc_message",
    "rc_registration",
    "rc_registration_token_validity",
    "rc_admin_redaction",
    "rc_joins_per_room",
    "rc_key_requests",
    "rc_3pid_validation",
    "rc_third_party_invite",
    "rc_media_create",
    "rc_delayed_event_mgmt",
    "rc_room_creation",
    "rc_reports",
    "rc_user_directory",
    "rc_profile",
)
_NESTED_LIMITS = {
    "rc_login": ("address", "account", "failed_attempts"),
    "rc_joins": ("local", "remote"),
    "rc_invites": ("per_room", "per_user", "per_issuer"),
    "rc_presence": ("per_user",),
}


def relaxed_limits() -> dict[str, Any]:
    """Return settings under which no rate limit is ever met."""
    never = {"per_second": 100_000, "burst_count": 100_000}
    return {
        **dict.fromkeys(_PLAIN_LIMITS, never),
        **{key: dict.fromkeys(parts, never) for key, parts in _NESTED_LIMITS.items()},
        "rc_federation": {
            "window_size": 1000,
            "sleep_limit": 100_000,
            "sleep_delay": 1,
            "reject_limit": 100_000,
            "concurrent": 100,
        },
        "federation_rr_transactions_per_room_per_second": 100_000,
    }


def new_secrets() -> dict[str, str]:
    """Return fresh keys for one server; they must stay the same when it is started again."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode("ascii").rstrip("=")
    names = ("macaroon_secret_key", "form_secret", "registration_shared_secret")
    return {"signing_key": f"ed25519 a_lab {seed}", **{name: secrets.token_hex(32) for name in names}}


def log_settings() -> dict[str, Any]:
    """Return the settings of a log that keeps warnings only, on standard error; requests are not in it."""
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stream": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"level": "WARNING", "handlers": ["stream"]},
        "disable_existing_loggers": False,
    }


def server_settings(
    *,
    server_name: str,
    address: str,
    client_port: int,
    federation_port: int,
    directory: Path,
    authority: Path,
    keys: Mapping[str, str],
    limits: Limits,
    registrations: Sequence[Path],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the whole configuration of one server.

    `directory` holds `leaf.pem`, `leaf.key`, `log.json` and the database; `authority` is the certificate that all
    servers trust; `keys` come from `new_secrets`; `registrations` are files of application services. `extra` replaces
    whole top-level settings.
    """

    def listener(port: int, resources: list[str], *, tls: bool) -> dict[str, Any]:
        return {
            "port": port,
            "bind_addresses": [address],
            "type": "http",
            "tls": tls,
            "resources": [{"names": resources, "compress": False}],
        }

    return {
        "server_name": server_name,
        "public_baseurl": f"http://{address}:{client_port}/",
        # "keys" beside "client": the probe that asks for our name uses plain HTTP
        "listeners": [
            listener(client_port, ["client", "keys"], tls=False),
            listener(federation_port, ["federation"], tls=True),
        ],
        "tls_certificate_path": str(directory / "leaf.pem"),
        "tls_private_key_path": str(directory / "leaf.key"),
        "federation_custom_ca_list": [str(authority)],
        "ip_range_blacklist": [],  # the default forbids loopback
        "log_config": str(directory / "log.json"),
        "media_store_path": str(directory / "media"),
        "app_service_config_files": [str(path) for path in registrations],
        "max_event_delay_duration": "24h",
        "user_directory": {"enabled": True, "search_all_users": True},
        # after an outage the servers find each other within a second or two, not after ten minutes
        "federation": {
            "client_timeout": "10s",
            "max_short_retries": 1,
            "max_short_retry_delay": 200,
            "max_long_retries": 2,
            "max_long_retry_delay": "1s",
            "destination_min_retry_interval": 200,
            "destination_retry_multiplier": 2,
            "destination_max_retry_interval": "1s",
        },
        **_common(directory / "homeserver.db"),
        **keys,
        **(relaxed_limits() if limits == "relaxed" else {}),
        **extra,
    }


def template_settings(database: Path) -> dict[str, Any]:
    """Return settings with which Synapse can prepare the empty database that every server gets a copy of."""
    own = {"server_name": "template.test", "listeners": [], "media_store_path": str(database.with_name("media"))}
    return {**own, **_common(database), **new_secrets()}


def _common(database: Path) -> dict[str, Any]:
    return {
        "database": {"name": "sqlite3", "args": {"database": str(database)}},
        "background_updates": {"sleep_enabled": False},
        "bcrypt_rounds": 4,
        "report_stats": False,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
    }
