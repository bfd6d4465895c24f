"""Nobody speaks for the idle timeout."""

from core.live.idle import IdleAction, IdleTimer


def test_two_prompts_and_then_the_end() -> None:
    timer = IdleTimer(40.0)
    now = 0.0
    for expected in (IdleAction.PROMPT, IdleAction.PROMPT, IdleAction.END):
        timer.start(now)
        assert timer.tick(now + 39) is None
        now += 40
        assert timer.deadline() == now and timer.tick(now) is expected


def test_a_caller_who_speaks_resets_the_count_of_prompts() -> None:
    timer = IdleTimer(40.0)
    for _ in range(5):
        timer.start(0.0)
        assert timer.tick(40.0) is IdleAction.PROMPT
        timer.stop(caller_spoke=True)


def test_time_to_think_extends_the_timeout_until_the_caller_has_spoken() -> None:
    timer = IdleTimer(40.0, thinking=60.0)
    timer.start(0.0)
    assert timer.tick(99.0) is None and timer.tick(100.0) is IdleAction.PROMPT
    timer.stop(caller_spoke=True)
    timer.start(200.0)
    assert timer.deadline() == 240.0


def test_the_timeout_runs_from_the_end_of_playback() -> None:
    timer = IdleTimer(40.0)
    timer.extend(5.0)
    assert timer.deadline() is None
    timer.start(0.0)
    timer.extend(5.0)
    assert timer.deadline() == 45.0
    assert IdleTimer(None).deadline() is None


def test_a_caller_who_is_away_is_not_prompted_and_waited_for_as_long_as_one_who_is() -> None:
    timer = IdleTimer(40.0)
    timer.start(0.0)
    timer.pause(10.0)
    timer.start(20.0)
    assert timer.tick(129.0) is None and timer.deadline() == 130.0
    assert timer.tick(130.0) is IdleAction.END and timer.deadline() is None


def test_a_caller_who_is_back_has_the_whole_timeout() -> None:
    timer = IdleTimer(40.0)
    timer.start(0.0)
    timer.pause(10.0)
    timer.resume(60.0)
    assert timer.deadline() == 100.0 and timer.tick(100.0) is IdleAction.PROMPT
