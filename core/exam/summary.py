"""Where the exam is, in sentences that claim no more than was recognised."""

from collections.abc import Mapping, Sequence

from core.exam.plan import ExamPlan, Slot


def summary(plan: ExamPlan, texts: Mapping[int, int], last: int, answered: bool, own: int, open_: bool) -> str:
    """Where the exam is, for a model that has lost the conversation.

    `texts` has the slots whose questions were recognised, and which was asked; `last` is the one of them that was asked
    last, -1 for none; `answered` whether its answer is in the transcript. Since then the examiner has asked `own`
    questions that are not the plan's, the last of which has no answer yet if it is `open_`.
    """
    if last < 0:
        return (
            f"You have asked {_many(own)} that you chose or worded yourself. Go on with the first question of the test"
            " that has not been answered."
        )
    slots = plan.slots
    done = sorted(slots[at].number for at in texts if at != last or answered)
    before = _done(done)
    if not answered:
        asked = slots[last].texts[texts[last]]
        return (
            f"{before}You have asked question {slots[last].number} ({asked}) and have not heard the whole answer yet."
            " Ask it once more, in a few words, unless the answer is among what you hear next."
        )
    if own:
        waits = ", and have not heard the whole answer to the last" if open_ else ""
        before += f"Since then you have asked {_many(own)} that you chose or worded yourself{waits}. "
    if last + 1 == len(slots):
        return f"{before}{'Go on with questions on the same topics.' if plan.scoring == 'time limit' else ''}".strip()
    after = slots[last + 1]
    unless = ", unless that is what you have asked" if own else ""
    return f"{before}Go on with question {after.number}{unless}: {left_of(after, slots, texts)}"


def left_of(slot: Slot, slots: Sequence[Slot], texts: Mapping[int, int]) -> str:
    """What may be asked at a place: of a choice, those questions that were not asked at another."""
    asked = {which for at, which in texts.items() if slots[at].group == slot.group and at != slot.number - 1}
    left = [text for which, text in enumerate(slot.texts) if which not in asked]
    if len(left) == len(slot.texts) or not left:
        return slot.about
    return left[0] if len(left) == 1 else f"one of these: {' / '.join(left)}"


def _done(numbers: list[int]) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"Question {numbers[0]} is done. "
    if numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"Questions {numbers[0]} to {numbers[-1]} are done. "
    return f"Questions {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} are done. "


def _many(questions: int) -> str:
    return "a question" if questions == 1 else f"{questions} questions"
