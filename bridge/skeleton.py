"""What a name looks like at a glance, whatever letters it is made of; pure. Never keeps a name, and never decides who may have it.

After Unicode UTS #39 ("confusable detection"), with a small table of our own: Latin, Cyrillic and Greek letters, digits, accents, case, and what
cannot be seen. Two names with one skeleton can be taken for each other. It errs on the safe side: `Ella` and `Elia` have the same one, too.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache

_CAPITALS = str.maketrans("ΝΗΜΥ", "NHMY")
"""Greek capitals that look like other letters than their small ones do."""

_ALIKE = """
a: а α ɑ ᴀ 4 @
b: в ь ъ β ʙ ƀ 8
б: 6
c: с ϲ ᴄ ¢
e: е є э з ε ə ɛ ᴇ 3 ʒ ӡ
f: ƒ ꜰ
g: ɡ ɢ 9 ԍ
h: н һ ћ ђ ʜ ħ ң
j: ј ᴊ ϳ
k: к κ ᴋ ҡ қ ҝ
l: i 1 | ! і ӏ ι ı ł ɩ ʟ ɪ
n: п η ɴ ŋ и
o: 0 о ο ө ø σ ᴏ ѳ θ
p: р ρ ᴘ þ
q: ԛ
r: г ґ ʀ ғ я
s: ѕ 5 $ ꜱ
t: т τ ᴛ 7 ŧ
u: υ ц ᴜ ʋ µ μ
v: ν ѵ ᴠ
x: х χ ҳ
y: у γ ү ұ ʏ
z: ζ 2 ᴢ
d: đ ð ԁ ᴅ
cl: d
rn: m
vv: w
w: ѡ ω ш щ ԝ
m: м ᴍ
bl: ы
lo: ю
ae: æ
oe: œ
"""


@cache
def _table() -> Mapping[int, str]:
    rows = (line.split(": ") for line in _ALIKE.strip().splitlines())
    direct = {letter: plain for plain, letters in rows for letter in letters.split()}

    def looks(text: str) -> str:
        shown = "".join(direct.get(letter, letter) for letter in text)
        return shown if shown == text else looks(shown)

    return {ord(letter): looks(letter) for letter in direct}


def skeleton(name: str) -> str:
    """The skeleton of a name: letters and digits only; empty when nothing in it is one. The skeleton of a skeleton is itself."""
    before, plain = None, name
    while plain != before:  # taking something away can make the rest foldable
        before = plain
        plain = unicodedata.normalize("NFKD", plain.translate(_CAPITALS)).casefold()
        plain = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in plain.translate(_table()) if letter.isalnum())
    return plain
