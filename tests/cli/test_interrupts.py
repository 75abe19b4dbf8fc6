import os
import signal

import pytest

from cli.interrupts import Deferred


def test_a_signal_waits_until_it_is_released_and_is_told_at_once() -> None:
    said: list[str] = []
    done = False
    with pytest.raises(KeyboardInterrupt), Deferred(said.append) as signals:
        os.kill(os.getpid(), signal.SIGINT)
        done = True
        signals.release()
    assert done
    assert said == [
        "stopping: the run is being handed to AWS; a moment, until that is done (a second Ctrl-C breaks it off)"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_one_is_raised_at_once(number: int) -> None:
    with pytest.raises(KeyboardInterrupt), Deferred(lambda line: None):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        pytest.fail("not raised")


def test_signals_act_as_before_once_they_are_released() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Deferred(lambda line: None) as signals:
        assert signal.getsignal(signal.SIGINT) != before
        signals.release()
        assert signal.getsignal(signal.SIGINT) == before
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_kept_signal_does_not_hide_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="odd"), Deferred(lambda line: None):
        os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError("odd")
    assert signal.getsignal(signal.SIGTERM) == before
