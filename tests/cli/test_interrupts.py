import multiprocessing
import os
import signal
import time
import weakref

import pytest

from cli.interrupts import Deferred, interruptible


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


@pytest.mark.parametrize(("number", "ended"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
def test_a_forked_process_ends_at_sigterm_without_a_word_and_leaves_ctrl_c_to_its_parent(
    number: int, ended: int, capfd: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()

    def work() -> None:
        ready.set()
        time.sleep(1)

    with interruptible():
        child = context.Process(target=work)
        child.start()
        assert ready.wait(30)
        os.kill(child.pid, number)
        child.join(30)
    assert child.exitcode == ended
    assert capfd.readouterr().err == ""


class Thing:
    """Something that can be referred to weakly."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_heard_though_it_comes_while_python_cleans_up(number: int) -> None:
    def interrupted(reference: object) -> None:
        os.kill(os.getpid(), number)
        sum(range(1000))
        for _ in range(1000):
            continue

    thing = Thing()
    reference = weakref.ref(thing, interrupted)
    with pytest.raises(KeyboardInterrupt), interruptible():
        del thing
        time.sleep(10)
        pytest.fail("not heard")
    assert reference() is None
