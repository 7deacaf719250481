"""Texts for the tests of protections, all made here of word lists and templates: words in disguise, ordinary sentences, cries for help."""

import html
import random
from collections.abc import Callable, Iterator
from typing import Any

LISTED = (
    "casino*", "free money", "viagra", "crypto signals", "buy followers", "bitcoin*", "payday loan*", "forex trading", "escort*", "cialis",
    "казино", "ставки на спорт", "займ*", "быстрый заработок", "криптовалют*", "кредит без справок", "порно*", "наркотик*",
    "kredit ohne schufa", "gratis geld", "glücksspiel*", "wettbonus", "nacktbilder*", "schnell reich werden",
)  # fmt: skip
"""What a community might not want to read."""

SAID = [pattern.replace("*", "") for pattern in LISTED]

TO_CYRILLIC = str.maketrans("aceopxyiBHKMT", "асеорхуіВНКМТ")
TO_LATIN = str.maketrans("асеорхукв", "aceopxykb")
LEET = str.maketrans("aeioszаеоз", "4310$24303")
SOME_LEET = str.maketrans("aoао", "@0@0")
ACCENTS = str.maketrans("aeiouсу", "àéîöúçý")
BUTTONS = {chr(97 + n): chr(0x1F170 + n) for n in range(26)}
FLAGS = {chr(97 + n): chr(0x1F1E6 + n) for n in range(26)}
BOLD = {chr(97 + n): chr(0x1D41A + n) for n in range(26)}
ROUND = {chr(97 + n): chr(0x24D0 + n) for n in range(26)}
WIDE = {chr(97 + n): chr(0xFF41 + n) for n in range(26)}


def between(sign: str) -> Callable[[str], str]:
    return lambda text: "   ".join(sign.join(word) for word in text.split())


def dressed(table: dict[str, str]) -> Callable[[str], str]:
    return lambda text: "".join(table.get(letter, letter) for letter in text)


def drawn_out(text: str) -> str:
    return "".join(letter * 4 if letter in "aeiouаеиоуыяü" else letter for letter in text)


def masked(text: str) -> str:
    """The second vowel of each word is a star."""
    words = []
    for word in text.split():
        places = [n for n, letter in enumerate(word) if letter in "aeiouаеиоуыяü" and 0 < n < len(word) - 1]
        words.append(word if len(places) < 1 or len(word) < 5 else f"{word[: places[0]]}*{word[places[0] + 1 :]}")
    return " ".join(words)


BODY: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in a sentence": lambda text: f"Hello everybody, {text}! Write to me.",
    "by letters of another script": lambda text: text.translate(TO_CYRILLIC).translate(TO_LATIN) if text.isascii() else text.translate(TO_LATIN),
    "by some letters of another script": lambda text: text[:3].translate(TO_CYRILLIC) + text[3:],
    "by digits": lambda text: text.translate(LEET),
    "by signs": lambda text: text.translate(SOME_LEET),
    "with accents": lambda text: text.translate(ACCENTS),
    "in wide letters": dressed(WIDE),
    "in bold letters": dressed(BOLD),
    "in round letters": dressed(ROUND),
    "on buttons": dressed(BUTTONS),
    "on flags": dressed(FLAGS),
    "with a zero-width space": "\u200b".join,
    "with a soft hyphen": "\u00ad".join,
    "with a word joiner": lambda text: text[:2] + "\u2060" + text[2:],
    "struck through": lambda text: "".join(letter + "\u0336" for letter in text),
    "with variation selectors": lambda text: "".join(letter + "\ufe0f" for letter in text),
    "with dots": between("."),
    "with dashes": between("-"),
    "with blanks": between(" "),
    "with underscores": between("_"),
    "with strokes": between("/"),
    "with pictures": between("🎰"),
    "one letter a line": between("\n"),
    "drawn out": drawn_out,
    "with a mask": masked,
    "with a letter written twice": lambda text: text[: len(text) // 2] + text[len(text) // 2] + text[len(text) // 2 :],
    "with a letter written twice, and signs": lambda text: ".".join(text[:3] + text[2:]),
    "glued": lambda text: text.replace(" ", ""),
    "with a dash for each blank": lambda text: text.replace(" ", "-"),
    "broken in the middle": lambda text: " ".join(f"{word[: len(word) // 2]}-{word[len(word) // 2 :]}" for word in text.split()),
    "in Markdown": lambda text: f"**{text}**",
    "backwards": lambda text: f"\u202e{text[::-1]}",
    "in several ways": lambda text: "\u200b".join(drawn_out(text.translate(SOME_LEET)).upper()),
}  # fmt: skip

HIDDEN: dict[str, Callable[[str], dict[str, Any]]] = {
    "in formatted text": lambda text: {"body": "Hello", "formatted_body": f"<p>Hello <b>{html.escape(text)}</b></p>"},
    "between tags": lambda text: {"body": "Hello", "formatted_body": "".join(f"<i>{html.escape(letter)}</i>" for letter in text)},
    "by entities": lambda text: {"body": "Hello", "formatted_body": "".join(f"&#{ord(letter)};" for letter in text)},
    "in a caption": lambda text: {"msgtype": "m.image", "body": text, "filename": "1.png"},
    "in a file name": lambda text: {"msgtype": "m.file", "body": f"{text.replace(' ', '_')}.pdf"},
    "behind a picture": lambda text: {"body": "Hello", "formatted_body": f'<img src="mxc://a/b" alt="{html.escape(text)}">'},
    "in an extensible event": lambda text: {"body": "Hello", "m.text": [{"body": text}]},
}  # fmt: skip


def misspelt() -> Iterator[tuple[str, str]]:
    """Words that are not only dressed up but spelt otherwise: these are not found, and they count."""
    for number, text in enumerate(SAID[:12]):
        middle = len(text) // 2
        yield (
            ("two letters the other way round", text[:middle] + text[middle + 1] + text[middle] + text[middle + 2 :])
            if number % 2
            else ("one letter less", text[:middle] + text[middle + 1 :])
        )


def evasions() -> list[tuple[str, str, dict[str, Any]]]:
    """Every word in every disguise: the disguise, the word, and the content of the message."""
    found = [
        (name, text, {"body": change(text)})
        for name, change in BODY.items()
        for text in SAID
        if change(text) != text or name == "as it is"
    ]
    found += [(name, text, change(text)) for name, change in HIDDEN.items() for text in SAID]
    return found + [(name, text, {"body": text}) for name, text in misspelt()]


# --- ordinary sentences --------------------------------------------------------------------------------------------------------------

SENTENCES: dict[str, dict[str, list[str]]] = {
    "en": {
        "": ["{who} {did} {what} {when}.", "{when}, {who} {did} {what}!", "I think {who} {did} {what} {when}", "Does anybody know whether {who} {did} {what}?", "{feel}, {who} {did} {what}...", "{feel} :) {when}"],
        "who": ["my sister", "the class", "our neighbour", "a friend from Essex", "the nurse", "my assistant", "the bank", "everybody", "Sam", "my doctor", "the crypt keeper in the film", "a colleague"],
        "did": ["lost", "forgot", "found", "talked about", "paid for", "read", "looked after", "is afraid of", "cannot stand", "asked for", "dreamt of", "cooked"],
        "what": ["the money", "a free afternoon", "the case", "a classic book", "the bills", "some followers of that group", "the escalator", "a loan from the library", "the signal", "two bits of cake", "the passage in order", "tea at 10:30", "£100", "the assessment (again)", "a good god-child", "trading cards", "100% of it", "the pens, is that right"],
        "when": ["this morning", "last night", "on Friday", "before work", "at 7 a.m.", "again and again", "in 2025", "all the time"],
        "feel": ["Honestly", "I am so tired", "It was a hard day", "Thank you all", "I cannot sleep", "That made me laugh", "I miss my mum", "No idea why"],
    },
    "ru": {
        "": ["{who} {did} {what} {when}.", "{when} {who} {did} {what}!", "Мне кажется, {who} {did} {what} {when}", "Кто-нибудь знает, {who} {did} {what}?", "{feel}, {who} {did} {what}...", "{feel} :) {when}"],
        "who": ["моя сестра", "наша группа", "подруга", "соседка", "мама", "врач из поликлиники", "учительница", "бабушка", "коллега", "племянница"],
        "did": ["забыла", "потеряла", "нашла", "обсудила", "увидела", "прочитала", "боится вспомнить", "не любит", "опять искала", "помнит"],
        "what": ["деньги", "справку для садика", "рассказ о спорте", "новую ставку на работе", "книгу о криптографии", "записку", "зарплату", "анализы", "кредитную карту", "занавески", "порог усталости", "свободный вечер", "100 рублей", "сказку про козу и зиму"],
        "when": ["сегодня утром", "вчера ночью", "в пятницу", "перед работой", "в 7 утра", "снова и снова", "в прошлом году", "каждый день"],
        "feel": ["Честно", "Я так устала", "День был тяжёлый", "Спасибо всем", "Не могу уснуть", "Рассмешили", "Скучаю по маме", "Не знаю почему"],
    },
    "de": {
        "": ["{who} {did} {what} {when}.", "{when} {did} {who} {what}!", "Ich glaube, {who} {did} {when} {what}", "Weiß jemand, ob {who} {what} {did}?", "{feel}, {who} {did} {what}...", "{feel} :) {when}"],
        "who": ["meine Schwester", "die Klasse", "unser Nachbar", "eine Freundin", "die Ärztin", "mein Chef", "die Bank", "Oma", "Sami", "die Gruppe"],
        "did": ["vergaß", "verlor", "fand", "besprach", "bezahlte", "las", "fürchtet", "mag", "suchte", "kochte"],
        "what": ["das Geld", "einen freien Nachmittag", "die Rechnung", "das Glück im Spiel mit den Kindern", "die Bilder vom Urlaub", "ein gratis Eis", "die Wette um das Wetter", "den Kredit", "das reich bebilderte Buch", "eine schnelle Suppe", "10 € Trinkgeld", "Tee um 10:30", "die Kasse, in Ordnung"],
        "when": ["heute Morgen", "gestern Nacht", "am Freitag", "vor der Arbeit", "um 7 Uhr", "immer wieder", "im letzten Jahr", "jeden Tag"],
        "feel": ["Ehrlich", "Ich bin so müde", "Es war ein harter Tag", "Danke euch allen", "Ich kann nicht schlafen", "Da musste ich lachen", "Mir fehlt meine Mutter", "Keine Ahnung warum"],
    },
}  # fmt: skip


def ordinary(number: int) -> list[str]:
    """So many different ordinary sentences, always the same ones."""
    chance = random.Random(20261126)
    found: dict[str, None] = {}
    while len(found) < number:
        language = SENTENCES[chance.choice(list(SENTENCES))]
        sentence = chance.choice(language[""])
        for place in ("who", "did", "what", "when", "feel"):
            sentence = sentence.replace(f"{{{place}}}", chance.choice(language[place]))
        if chance.random() < 0.3:  # people say more than one thing
            sentence += f" {chance.choice(language['feel'])}."
        found[sentence[0].upper() + sentence[1:]] = None
    return list(found)


# --- cries for help ------------------------------------------------------------------------------------------------------------------

CRIES = {
    "en": (
        ["I want to die", "I just want to kill myself", "I don't want to live anymore", "i dont wanna live", "I can't go on like this", "Everyone would be better off without me", "there is no reason to live", "I am going to end my life", "I wish I was never born", "I keep thinking about suicide", "I have taken too many pills to stop now", "I am going to hurt myself", "this is my last message"],
        ["", "Tonight. ", "I lost everything at the casino. ", "Sorry. ", "No free money can fix this. "], ["", " and nobody cares", ", please help", "...", " because of the payday loan", "!!!"],
    ),
    "ru": (
        ["Я не хочу больше жить", "хочу умереть", "Я покончу с собой", "мне незачем жить", "Без меня всем будет лучше", "Я больше так не могу", "не хочу просыпаться", "я убью себя", "думаю о самоубийстве", "Лучше бы меня не было", "это моё последнее сообщение", "я порезала себя"],
        ["", "Сегодня. ", "Проиграл всё в казино. ", "Простите. ", "Эти займы меня доконали. "], ["", ", помогите", "...", " и всем всё равно", " из-за казино", "!!!"],
    ),
    "de": (
        ["Ich will nicht mehr leben", "ich möchte sterben", "Ich bringe mich um", "Ohne mich wären alle besser dran", "ich kann nicht mehr", "Ich denke oft an Selbstmord, habe Selbstmordgedanken", "ich will mir das Leben nehmen", "Ich halte es nicht mehr aus", "Das ist meine letzte Nachricht", "Ich will mich umbringen", "ich ritze mich wieder"],
        ["", "Heute Nacht. ", "Alles beim Glücksspiel verloren. ", "Es tut mir leid. ", "Kein gratis Geld hilft. "], ["", ", bitte helft mir", "...", " und niemand merkt es", " wegen der Nacktbilder", "!!!"],
    ),
}  # fmt: skip


def cries() -> list[str]:
    """Cries for help, many with words of the list in them, and as people in despair type them."""
    plain = [f"{before}{core}{after}" for cores, befores, afters in CRIES.values() for core in cores for before in befores for after in afters]  # fmt: skip
    return [*plain, *(text.upper() for text in plain[::3]), *(text.lower().replace("'", "") for text in plain[::3])]
