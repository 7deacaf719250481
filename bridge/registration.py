"""Writes the registration of an application service for the homeserver; never talks to it, and never shows a token."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import SecretStr

from bridge.config import ApplicationService, Config
from bridge.matrix.private_file import read_private, write_private

TOKEN_BYTES = 48
FILE_NAME = "registration.yaml"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the homeserver and we know each other by."""

    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)


def registration(config: Config, tokens: Tokens) -> str:
    """The text of the file (spec: "Registration"). Without an address: nothing is pushed to us, we read along by ourselves."""
    service, server = service_of(config), config.matrix.user_id.partition(":")[2]
    return yaml.safe_dump(
        {
            "id": service.id,
            "url": None,
            "as_token": tokens.as_token,
            "hs_token": tokens.hs_token,
            "sender_localpart": service.sender_localpart,
            "rate_limited": False,
            "namespaces": {
                "users": [{"regex": f"^{re.escape(config.matrix.user_id)}$", "exclusive": True}],
                # A homeserver lets a service make only the addresses that its namespaces hold; other people may make some there too.
                "aliases": [{"regex": f"^#.*:{re.escape(server)}$", "exclusive": False}],
                "rooms": [],
            },
            # Lets the service make a device for the bot, which encryption needs.
            "io.element.msc4190": True,
        },
        sort_keys=False,
        allow_unicode=True,
    )


def service_of(config: Config) -> ApplicationService:
    """The application service's settings; the defaults when the configuration has another way to sign in."""
    return config.matrix.application_service or ApplicationService()


def tokens(config: Config) -> Tokens:
    """The two tokens: those of the configuration or of their files; what is missing is made and stored there. Raises OSError."""
    service = service_of(config)
    return Tokens(
        _token(service.as_token, service.as_token_file or config.data_dir / "as_token"),
        _token(service.hs_token, service.hs_token_file or config.data_dir / "hs_token"),
    )


def _token(given: SecretStr | None, file: Path) -> str:
    if given is not None:
        return given.get_secret_value()
    held = (read_private(file) or "").strip()
    if not held:
        held = secrets.token_urlsafe(TOKEN_BYTES)
        write_private(file, held + "\n")
    return held


def write_registration(config: Config, out: Path | None) -> Path:
    """Write the file, readable only for us, and say where it is; by default into data_dir. The same tokens make the same file. Raises OSError."""
    path = out or config.data_dir / FILE_NAME
    write_private(path, registration(config, tokens(config)))
    return path


def what_next(config: Config, path: Path) -> str:
    """How the file gets to work, in plain words."""
    missing = (
        ""
        if config.matrix.application_service
        else "\nAnd in Hearth's configuration put `application_service: {}` below `matrix:`, instead of a token or password."
    )
    return f"""\
Written: {path} (it holds secrets: only the homeserver and Hearth may read it)

1. Copy it to where the homeserver can read it, e.g. /etc/matrix-synapse/hearth.yaml
2. For Synapse add to homeserver.yaml:
       app_service_config_files:
         - /etc/matrix-synapse/hearth.yaml
   Other homeservers: look for "application service" or "registration" in their documentation.
3. Restart the homeserver, then run `hearth check`.{missing}
"""
