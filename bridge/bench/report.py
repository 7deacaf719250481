"""What a benchmark found, and how it is told: a table for people, or one JSON object a line."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `baseline` is what the bare way took in the same run, `ratio` value / baseline, `goal` what has to hold, in words."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    goal: str
    holds: bool


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile. ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def as_line(figure: Figure) -> str:
    """One JSON object with name, value, unit, baseline, ratio, goal, holds."""
    return json.dumps(asdict(figure), ensure_ascii=False)


def as_sentence(figure: Figure) -> str:
    """The same for a person."""
    beside = "" if figure.baseline is None else f", bare {figure.baseline:g} {figure.unit}"
    ratio = "" if figure.ratio is None else f", ratio {figure.ratio:.2f}"
    return f"{'holds' if figure.holds else 'FAILS'}  {figure.name}: {figure.value:g} {figure.unit}{beside}{ratio} (goal: {figure.goal})"
