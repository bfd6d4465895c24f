"""A silence of everybody."""

from core.live.idle import IdleAction, IdleTimer


def test_two_prompts_and_then_the_end() -> None:
    patience = IdleTimer(40.0)
    now = 0.0
    for expected in (IdleAction.PROMPT, IdleAction.PROMPT, IdleAction.END):
        patience.wait(now)
        assert patience.tick(now + 39) is None
        now += 40
        assert patience.deadline() == now and patience.tick(now) is expected


def test_a_word_of_the_caller_makes_up_for_earlier_prompts() -> None:
    patience = IdleTimer(40.0)
    for _ in range(5):
        patience.wait(0.0)
        assert patience.tick(40.0) is IdleAction.PROMPT
        patience.stop(heard=True)


def test_who_was_given_time_to_think_is_waited_for_longer_until_he_has_spoken() -> None:
    patience = IdleTimer(40.0, thinking=60.0)
    patience.wait(0.0)
    assert patience.tick(99.0) is None and patience.tick(100.0) is IdleAction.PROMPT
    patience.stop(heard=True)
    patience.wait(200.0)
    assert patience.deadline() == 240.0


def test_the_wait_begins_when_the_last_word_was_heard() -> None:
    patience = IdleTimer(40.0)
    patience.extend(5.0)
    assert patience.deadline() is None
    patience.wait(0.0)
    patience.extend(5.0)
    assert patience.deadline() == 45.0
    assert IdleTimer(None).deadline() is None
