"""What an answer means at a step, in each case of cases/onboarding: the file's name is the rule."""

from pathlib import Path

import pytest
import yaml

from bridge.catalogues import spellings
from bridge.rooms.onboarding import STEPS, WORDS, Reading, read_emoji, read_word

CASES = sorted((Path(__file__).parent / "onboarding").glob("*.yaml"))
SPELT = spellings((word.source for word in WORDS), "choice")


def shown(reading: Reading | None) -> str:
    if reading is None:
        return "nothing"
    if reading.meaning == "follow":
        some = [*map(str, reading.numbers or ()), *(f"#{tag}" for tag in reading.tags)]
        return " ".join(["follow", *(some if reading.numbers is not None else ["all"])])
    return f"{reading.meaning} {reading.value}".strip()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_answer_means(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    for step in STEPS if case["step"] == "any" else (case["step"],):
        for text, wanted in case.get("words", {}).items():
            assert shown(read_word(step, str(text), SPELT, case.get("offered", ()))) == wanted, (step, text)
        for key, wanted in case.get("reactions", {}).items():
            assert shown(read_emoji(step, key)) == wanted, (step, key)
