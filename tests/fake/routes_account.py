"""Endpoints about the account: versions, login, profile, devices, keys, account data, filters, media, admin. No rooms."""

from __future__ import annotations

from aiohttp import web

from . import keys
from .accounts import Device
from .call import Answer, Call, route
from .creation import DEFAULT_VERSION, VERSIONS
from .errors import MatrixError, forbidden, not_found
from .events import opaque_id
from .sync import position

MEDIA = ("/_matrix/client/v1/media",)
LEGACY_MEDIA = ("/_matrix/media/v3", "/_matrix/media/r0")
ADMIN = ("/_synapse/admin/v1",)


@route("GET", "/versions", ("/_matrix/client",), auth=False)
def versions(call: Call) -> Answer:
    return {
        "versions": ["r0.6.1", *(f"v1.{minor}" for minor in range(1, 16))],
        "unstable_features": {"org.matrix.msc4140": False},
    }


@route("GET", "/capabilities")
def capabilities(call: Call) -> Answer:
    known = {"default": DEFAULT_VERSION, "available": dict.fromkeys(VERSIONS, "stable")}
    return {"capabilities": {"m.room_versions": known, "m.change_password": {"enabled": True}}}


@route("GET", "/login", auth=False)
def login_flows(call: Call) -> Answer:
    return {"flows": [{"type": "m.login.password"}, {"type": "m.login.application_service"}]}


@route("POST", "/login", auth=False)
def login(call: Call) -> Answer:
    session = call.model.accounts.login(call.body, call.bearer)
    call.limits.spend(("login",), session)
    device_id = session.device.device_id if session.device else None
    return {
        "user_id": session.user.user_id,
        "access_token": session.token,
        "device_id": device_id,
        "home_server": call.model.server_name,
    }


@route("GET", "/account/whoami")
def whoami(call: Call) -> Answer:
    device = {"device_id": call.session.device.device_id} if call.session.device else {}
    return {"user_id": call.user_id, "is_guest": False, **device}


@route("POST", "/logout")
def logout(call: Call) -> Answer:
    if call.session.device:
        _forget_device(call, call.session.device.device_id)
    return {}


@route("POST", "/logout/all")
def logout_all(call: Call) -> Answer:
    for device_id in list(call.session.user.devices):
        _forget_device(call, device_id)
    return {}


def _forget_device(call: Call, device_id: str) -> None:
    call.model.accounts.close(call.user_id, device_id)
    call.session.user.devices.pop(device_id, None)
    keys.changed(call.model, call.session.user)


@route("GET", "/devices")
def devices(call: Call) -> Answer:
    return {"devices": [_device(d) for d in call.session.user.devices.values()]}


@route("GET", "/devices/{device}")
def device_get(call: Call) -> Answer:
    return _device(_known_device(call))


@route("PUT", "/devices/{device}")
def device_put(call: Call) -> Answer:
    name, known = call.params["device"], call.session.user.devices
    if name not in known and call.session.service:  # MSC4190: a service makes devices without a login
        known[name] = Device(name, call.body.get("display_name"))
        keys.changed(call.model, call.session.user)
        return web.json_response({}, status=201)
    if name in known:
        known[name].display_name = call.body.get("display_name")
    return {}


@route("DELETE", "/devices/{device}")
def device_delete(call: Call) -> Answer:
    _known_device(call)
    if not call.session.service:
        keys.require_password(call.session.user, call.body)
    _forget_device(call, call.params["device"])
    return {}


def _known_device(call: Call) -> Device:
    device = call.session.user.devices.get(call.params["device"])
    if not device:
        raise not_found("No such device")
    return device


def _device(device: Device) -> dict[str, str | None]:
    return {"device_id": device.device_id, "display_name": device.display_name}


@route("GET", "/profile/{user}", auth=False)
@route("GET", "/profile/{user}/{field}", auth=False)
def profile_get(call: Call) -> Answer:
    user = call.model.accounts.users.get(call.params["user"])
    if not user:
        raise MatrixError(404, "M_UNKNOWN", "Profile was not found")
    whole = {k: v for k, v in (("displayname", user.displayname), ("avatar_url", user.avatar_url)) if v is not None}
    field = call.params.get("field")
    if field and field not in whole:
        raise not_found("Profile field was not found")
    return {field: whole[field]} if field else whole


@route("PUT", "/profile/{user}/{field:displayname|avatar_url}")
def profile_put(call: Call) -> Answer:
    if call.params["user"] != call.user_id:
        raise MatrixError(400, "M_FORBIDDEN", "Cannot set another user's profile")
    field = call.params["field"]
    call.model.set_profile(call.session.user, **{field: call.body.get(field)})
    return {}


@route("GET", "/user/{user}/account_data/{type}")
@route("GET", "/user/{user}/rooms/{room}/account_data/{type}")
def account_data_get(call: Call) -> Answer:
    call.mine()
    key = (call.params.get("room", ""), call.params["type"])
    if key not in call.session.user.account_data:
        raise not_found("Account data not found")
    return call.session.user.account_data[key][1]


@route("PUT", "/user/{user}/account_data/{type}")
@route("PUT", "/user/{user}/rooms/{room}/account_data/{type}")
def account_data_put(call: Call) -> Answer:
    call.mine()
    call.model.set_account_data(call.session.user, call.params.get("room", ""), call.params["type"], call.body)
    return {}


@route("POST", "/user/{user}/filter")
def filter_post(call: Call) -> Answer:
    call.mine()
    known = call.session.user.filters
    if call.body not in known:
        known.append(call.body)
    return {"filter_id": str(known.index(call.body))}


@route("GET", "/user/{user}/filter/{filter}")
def filter_get(call: Call) -> Answer:
    call.mine()
    number = int(call.params["filter"])
    if number >= len(call.session.user.filters):
        raise not_found("No such filter")
    return call.session.user.filters[number]


@route("GET", "/pushrules/")
def push_rules(call: Call) -> Answer:
    return {"global": {}}


@route("PUT", "/presence/{user}/status")
def presence(call: Call) -> Answer:
    return {}


@route("POST", "/keys/upload")
@route("POST", "/keys/upload/{device}")
def keys_upload(call: Call) -> Answer:
    return keys.upload(call.model, call.session, call.body)


@route("POST", "/keys/query")
def keys_query(call: Call) -> Answer:
    return keys.query(call.model, call.session, call.body)


@route("POST", "/keys/claim")
def keys_claim(call: Call) -> Answer:
    return keys.claim(call.model, call.body)


@route("GET", "/keys/changes")
def keys_changes(call: Call) -> Answer:
    return keys.key_changes(call.model, call.session, position(call.query.get("from")), position(call.query.get("to")))


@route("POST", "/keys/device_signing/upload")
def device_signing(call: Call) -> Answer:
    return keys.upload_cross_signing(call.model, call.session, call.body)


@route("POST", "/keys/signatures/upload")
def signatures(call: Call) -> Answer:
    return keys.upload_signatures(call.model, call.session, call.body)


@route("PUT", "/sendToDevice/{type}/{txn}")
def to_device(call: Call) -> Answer:
    what = f"to_device/{call.params['type']}/{call.params['txn']}"

    def deliver() -> str:
        keys.send_to_device(call.model, call.session, call.params["type"], call.body.get("messages", {}))
        return ""

    call.model.once(call.session.transactions, what, deliver)
    return {}


@route("POST", "/upload", LEGACY_MEDIA)
def media_upload(call: Call) -> Answer:
    name = opaque_id(f"media/{len(call.model.media)}")[:24]
    kind = call.request.headers.get("Content-Type", "application/octet-stream")
    call.model.media[name] = (call.raw, kind, call.query.get("filename"))
    return {"content_uri": f"mxc://{call.model.server_name}/{name}"}


@route("GET", "/config", MEDIA)
def media_config(call: Call) -> Answer:
    return {"m.upload.size": 52_428_800}


@route("GET", "/download/{server}/{media}", MEDIA)
@route("GET", "/download/{server}/{media}/{filename}", MEDIA)
@route("GET", "/thumbnail/{server}/{media}", MEDIA)
def media_download(call: Call) -> Answer:
    found = call.model.media.get(call.params["media"])
    if not found or call.params["server"] != call.model.server_name:
        raise not_found("Not found")
    data, kind, filename = found
    headers = {"Content-Type": kind}
    if name := call.params.get("filename") or filename:
        headers["Content-Disposition"] = f'inline; filename="{name}"'
    return web.Response(body=data, headers=headers)


@route("GET", "/download/{server}/{media}", LEGACY_MEDIA, auth=False)
def media_download_without_token(call: Call) -> Answer:
    raise not_found("Not found")


@route("GET", "/users/{user}/override_ratelimit", ADMIN)
@route("POST", "/users/{user}/override_ratelimit", ADMIN)
@route("DELETE", "/users/{user}/override_ratelimit", ADMIN)
def override_ratelimit(call: Call) -> Answer:
    if not call.session.user.admin:
        raise forbidden("You are not a server admin")
    user = call.model.accounts.users.get(call.params["user"])
    if not user:
        raise not_found("User not found")
    if call.request.method == "DELETE":
        user.ratelimit = None
    elif call.request.method == "POST":
        user.ratelimit = {name: call.body.get(name, 0) for name in ("messages_per_second", "burst_count")}
    return user.ratelimit or {}


@route("POST", "/users/{user}/report")
@route("POST", "/rooms/{room}/report")
@route("POST", "/rooms/{room}/report/{event}")
def report(call: Call) -> Answer:
    call.model.report(call.user_id, call.params, call.body.get("reason"))
    return {}


@route("GET", "/{kind}_reports", ADMIN)
def reports(call: Call) -> Answer:
    """What people reported, the newest first, as Synapse lists it."""
    if not call.session.user.admin:
        raise forbidden("You are not a server admin")
    found = [each for each in reversed(call.model.reports) if each["kind"] == call.params["kind"]]
    at, limit = int(call.query.get("from", 0)), int(call.query.get("limit", 100))
    return {f"{call.params['kind']}_reports": found[at : at + limit], "total": len(found)}


@route("GET", "/{kind}_reports/{number}", ADMIN)
def one_report(call: Call) -> Answer:
    if not call.session.user.admin:
        raise forbidden("You are not a server admin")
    wanted = (call.params["kind"], call.params["number"])
    found = [each for each in call.model.reports if (each["kind"], str(each["id"])) == wanted]
    if not found:
        raise not_found("Report not found")
    return found[0]
