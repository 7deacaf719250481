"""Reads spans, times of day, weekdays, time zones and languages as people write them in English, Russian and German; never knows what time it is."""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import get_args

from babel import Locale

from bridge.config_types import Language, known_zones

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
LONGEST_MS = 10 * 366 * DAY_MS
"""Longer than ten years is a slip of the finger."""

LANGUAGES: Sequence[str] = get_args(Language)


def _table(text: str) -> dict[str, str]:
    rows = (line.split(":") for line in text.strip().splitlines())
    return {word: key.strip() for key, words in rows for word in words.split()}


_UNITS = _table("""
s: s sec secs second seconds с сек секунда секунды секунду секунд sek sekunde sekunden
m: m min mins minute minutes м мин минута минуты минуту минут minuten
h: h hr hrs hour hours ч час часа часов std stunde stunden
d: d day days д день дня дней сутки суток t tag tage tagen
w: w wk week weeks н нед неделя недели неделю недель woche wochen
y: y yr year years г год года лет j jahr jahre jahren
""")
_UNIT_MS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS, "y": 365 * DAY_MS}

_WEEKDAYS = _table("""
0: monday mon mo montag montags понедельник понедельника понедельникам пн
1: tuesday tue tues tu dienstag dienstags di вторник вторника вторникам вт
2: wednesday wed we mittwoch mittwochs mi среда среду среды средам ср
3: thursday thu thur thurs th donnerstag donnerstags do четверг четверга четвергам чт
4: friday fri fr freitag freitags пятница пятницу пятницы пятницам пт
5: saturday sat sa samstag samstags sonnabend суббота субботу субботы субботам сб
6: sunday sun su sonntag sonntags so воскресенье воскресенья воскресеньям вс
""")

_FOR = re.compile(r"^(?:for|für|на)\s+")
_UNTIL = re.compile(r"^(?:until|till|bis|до)\s+")
_UNREAD = re.compile(r"[-+]?\d[\d.,]*[^\W\d_]{0,2}|until|till|bis|до")
_FROM = re.compile(r"^(?:from|between|von|zwischen|с|со)\s+")
_TO = re.compile(r"\s*[-–—]\s*|\s+(?:to|and|until|till|bis|und|до|и)\s+|\s+")
_SPAN = re.compile(r"(\d{1,9})\s*([^\W\d_]+)\.?")
_CLOCK = re.compile(
    r"(?:at\s+|um\s+|в\s+)?(\d{1,2})(?:\s*[:.]\s*(\d{2})|\s*(?:uhr|h)\s+(\d{2})|h(\d{2}))?\s*"
    r"(a\.?m\.?|p\.?m\.?|uhr|h|час(?:а|ов)?|ч\.?|o['’]clock)?\s*"
    r"(утра|дня|вечера|ночи|morgens|früh|vormittags|nachmittags|abends|nachts|in the morning|in the evening)?"
)
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SPOKEN_DATE = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?\s+([^\W\d_]{3,})\.?,?\s+(\d{4})(?:\s*(?:г\.?|года))?")
_OFFSET = re.compile(r"(?:utc|gmt)\s*([+-−])\s*(\d{1,2})(?::?00)?")
_AFTER_NOON = {"дня", "вечера", "nachmittags", "abends", "in the evening"}


def is_like_a_time(word: str) -> bool:
    """Whether somebody may have meant a time by this word, readable or not: a number, perhaps with a letter or two, or a word for "until"."""
    return _UNREAD.fullmatch(word.casefold()) is not None


def read_duration(text: str) -> int | None:
    """Milliseconds of a span such as `30s`, `1d12h`, `2 hours`, `for 2 hours`, `2 часа`, `3 Tage`; None when it is not one, zero, or above ten years.

    The greater unit stands first: `30s 2h` are two spans.
    """
    plain = _FOR.sub("", text.strip().casefold())
    total, at, before_ms = 0, 0, LONGEST_MS
    for match in _SPAN.finditer(plain):
        unit_ms = _UNIT_MS.get(_UNITS.get(match[2], ""), LONGEST_MS)
        if unit_ms >= before_ms or plain[at : match.start()].strip(" ,"):
            return None
        total += int(match[1]) * unit_ms
        at, before_ms = match.end(), unit_ms
    return total if at and not plain[at:].strip() and 0 < total <= LONGEST_MS else None


def read_clock(text: str) -> int | None:
    """The minute of the day (0-1439) of a local time such as `08:00`, `8`, `8 pm`, `20.30`, `8 Uhr`, `8 вечера`; None when it is not one."""
    match = _CLOCK.fullmatch(text.strip().casefold())
    if not match:
        return None
    hour, minute = int(match[1]), int(match[2] or match[3] or match[4] or 0)
    half, part = (match[5] or "").replace(".", ""), match[6]
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12 or part:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif part in _AFTER_NOON and 1 <= hour < 12:
        hour += 12
    elif part in {"ночи", "nachts"} and hour == 12:
        hour = 0
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def read_hours(text: str) -> tuple[int, int] | None:
    """From which minute of the day until which: `22:00 7:30`, `22-7`, `from 10 pm to 7 am`, `с 22 до 7`, `22 bis 7 Uhr`; None when it is not that."""
    plain = _FROM.sub("", text.strip().casefold())
    for between in _TO.finditer(plain):
        since, until = read_clock(plain[: between.start()]), read_clock(plain[between.end() :])
        if since is not None and until is not None:
            return since, until
    return None


def read_date(text: str) -> str | None:
    """The day, as 2026-03-01, written like that, `until 2026-03-01`, `1.3.2026`, `1 March 2026`, `1 марта 2026` or `1. März 2026`; None when it is not one. `1/3/2026` could be two days, so it is none."""
    plain = _UNTIL.sub("", text.strip().casefold())
    if match := _ISO_DATE.fullmatch(plain):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DOTTED_DATE.fullmatch(plain):
        day, month, year = (int(part) for part in match.groups())
    elif (match := _SPOKEN_DATE.fullmatch(plain)) and match[2] in _months():
        day, month, year = int(match[1]), _months()[match[2]], int(match[3])
    else:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


@cache
def _months() -> Mapping[str, int]:
    """Every way to write a month, in small letters, with its number."""
    spelt: dict[str, int] = {}
    for language in LANGUAGES:
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                names = Locale(language).months[form][width]
                spelt |= {str(name).casefold().rstrip("."): int(number) for number, name in names.items()}
    return spelt


def read_weekday(text: str) -> int | None:
    """The weekday's number, Monday being 0, also of `until Monday`; None when it is not one."""
    found = _WEEKDAYS.get(_UNTIL.sub("", text.strip().casefold()).rstrip("."))
    return None if found is None else int(found)


@cache
def _zones() -> Mapping[str, str]:
    """Every way to write a zone, in small letters, with its name. Names win over cities."""
    names = sorted(name for name in known_zones() if "/" in name or name == "UTC")
    cities: dict[str, str] = {}
    for language in LANGUAGES:
        for name, data in sorted(Locale(language).time_zones.items()):
            if name in names and "city" in data:
                cities.setdefault(str(data["city"]).casefold(), name)
    for name in names:
        if not name.startswith("Etc/"):
            cities.setdefault(name.rsplit("/", 1)[-1].replace("_", " ").casefold(), name)
    return {**cities, **{name.casefold().replace("_", " "): name for name in names}}


def read_zone(text: str) -> str | None:
    """The IANA name of a zone given as a name, as a city (also in Russian or German) or as `UTC+3`; None when it is not known."""
    plain = " ".join(text.replace("_", " ").casefold().split())
    offset = _OFFSET.fullmatch(plain)
    if offset:
        sign = "-" if offset[1] == "+" else "+"  # the names in Etc/ count the other way round
        name = f"Etc/GMT{sign}{int(offset[2])}"
        return name if name in known_zones() else None
    return _zones().get(plain)


def near_zones(text: str) -> tuple[str, ...]:
    """Up to three zones whose name or city is spelt nearly like this, best first."""
    plain = " ".join(text.replace("_", " ").casefold().split())
    found = difflib.get_close_matches(plain[:64], list(_zones()), n=6, cutoff=0.7)
    return tuple(dict.fromkeys(_zones()[name] for name in found))[:3]


@cache
def _languages() -> Mapping[str, str]:
    spelt: dict[str, str] = {}
    for code in LANGUAGES:
        spelt[code] = code
        for other in LANGUAGES:
            spelt[str(Locale(other).languages[code]).casefold()] = code
    return spelt


def read_language(text: str) -> str | None:
    """The code of one of Hearth's languages, given as code or as its name in any of them; None when it is not one."""
    return _languages().get(text.strip().casefold())
