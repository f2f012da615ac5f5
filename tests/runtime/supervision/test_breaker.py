"""The circuit breaker, with a clock that the test moves."""

import pytest

from bridge.runtime.supervision.breaker import BreakerLimits, CircuitBreaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(BreakerLimits(failures=3, window_seconds=10, open_seconds=5), clock)


def state_of(breaker: CircuitBreaker) -> str:
    return breaker.state.value


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admit() is None
        breaker.failed()


def test_it_opens_after_the_failures_of_one_window(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 2)
    assert state_of(breaker) == "closed"
    fail(breaker, 1)
    assert state_of(breaker) == "open"
    assert breaker.admit() == 5
    clock.now += 4
    assert breaker.admit() == 1


def test_failures_that_lie_far_apart_do_not_open_it(breaker: CircuitBreaker, clock: Clock) -> None:
    for _ in range(10):
        fail(breaker, 1)
        clock.now += 6
    assert breaker.openings == 0


def test_a_success_between_failures_does_not_hide_them(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        fail(breaker, 1)
        breaker.succeeded()
    assert breaker.openings == 1


def test_one_request_at_a_time_tries_whether_the_model_is_well_again(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 5
    assert state_of(breaker) == "half-open"
    assert breaker.admit() is None
    assert breaker.admit() is not None
    breaker.succeeded()
    assert state_of(breaker) == "closed"
    assert breaker.admit() is None


def test_a_trial_that_fails_opens_it_again(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 5
    fail(breaker, 1)
    assert state_of(breaker) == "open"
    assert breaker.openings == 2


def test_a_trial_that_says_nothing_leaves_the_next_one_to_decide(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 5
    assert breaker.admit() is None
    breaker.undecided()
    assert state_of(breaker) == "half-open"
    assert breaker.admit() is None
