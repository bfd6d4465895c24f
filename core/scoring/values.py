"""One value as it stands in a structured answer or a block, as a value of the scale."""

from typing import cast

from core.scoring.amounts import amounts, denominator
from core.scoring.scale import LabelScale, OffScale, Scale, quoted
from core.scoring.words import plain, tokens, wordset

# A string that says one of these beside its number does not state it: "below 6", "6 to 7", "6+".
UNSURE = wordset(
    "not no below above under over almost nearly around about approximately between to or least most if would "
    "plus minus from than + ? < % -"
)


def value_of(raw: object, scale: Scale) -> float:
    """The scale's value for whatever stands in a structured answer. Raises OffScale with the reason."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise OffScale(f"{quoted(raw)} is not a value")
    if isinstance(raw, int | float):
        if isinstance(scale, LabelScale):
            if (place := scale.place_of(str(raw))) is not None:
                return place  # a label that is a number
            raise OffScale(f"{quoted(raw)} is not {scale.describe()}")
        try:
            return scale.take(float(raw))
        except OverflowError:
            raise OffScale("the number is outside the scale") from None
    if isinstance(scale, LabelScale) and (place := scale.place_of(raw)) is not None:
        return place
    text = plain(raw).strip()
    if not isinstance(scale, LabelScale):
        try:
            return scale.take(float(text))
        except OffScale:
            raise
        except ValueError:
            pass
    found = tokens(text)
    values = amounts(found, scale)
    if not values or values[0].value is None:
        raise OffScale(f"{quoted(raw)} is not {scale.describe()}")
    first = values[0]
    last, why = denominator(found, first, scale)
    rest = found[: first.first] + found[last + 1 :]
    if why:
        raise OffScale(f"{quoted(raw)}: {why}")
    spare = (
        {"-"}
        if last + 1 < len(found) and found[last + 1].text == "-" and found[last + 1].start > found[last].end
        else set[str]()
    )
    if amounts(rest, scale) or ({token.text for token in rest} - spare) & UNSURE:
        raise OffScale(f"{quoted(raw)} is not one value")
    return scale.take(cast(float, first.value))
