"""What one endpoint is sent in any minute and at once, by a clock that only the waits move."""

import asyncio
from itertools import pairwise

import pytest
from speciate.agent import ModelSettings
from speciate.agent._pace import MINUTE_S, Clock, Pace


class Time:
    """A clock that a sleep moves, at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep)


def pace(time: Time, **limits: int) -> Pace:
    return Pace(ModelSettings(name="m", **limits), time.clock())


async def passed(pace: Pace, time: Time, tokens: int, used: int | None = None) -> float:
    """Go through once; return when."""
    async with pace.passage(tokens) as passage:
        at = time.now
        if used is not None:
            passage.tokens = used
    return at


def all_at_once(pace: Pace, time: Time, tokens: list[int]) -> list[float]:
    async def together() -> list[float]:
        return list(await asyncio.gather(*(passed(pace, time, each) for each in tokens)))

    return asyncio.run(together())


def test_no_minute_has_more_requests_than_it_may_and_they_go_in_the_order_of_coming():
    time = Time()
    times = all_at_once(pace(time, requests_per_minute=3), time, [1] * 8)
    assert times == sorted(times)
    assert all(later - earlier >= MINUTE_S for earlier, later in zip(times, times[3:], strict=False))
    assert times[-1] - times[0] == 2 * MINUTE_S


def test_a_clock_too_coarse_for_the_rest_of_a_wait_does_not_hold_it_up():
    time = Time()
    time.now = 60.0 + 0.1 * 3
    limited = pace(time, requests_per_minute=1)
    for _ in range(50):
        all_at_once(limited, time, [1])
        time.now += 0.1
    assert len(time.slept) <= 2 * 50


def test_no_minute_has_more_tokens_than_it_may():
    time = Time()
    tokens = [40, 30, 30, 50, 60, 10, 99, 1, 100]
    times = all_at_once(pace(time, tokens_per_minute=100), time, tokens)
    for start in times:
        assert sum(n for at, n in zip(times, tokens, strict=True) if start <= at < start + MINUTE_S) <= 100
    assert times == sorted(times)


def test_a_request_above_a_whole_minute_goes_alone():
    time = Time()
    times = all_at_once(pace(time, tokens_per_minute=100), time, [60, 500, 60])
    assert [later - earlier for earlier, later in pairwise(times)] == [MINUTE_S, MINUTE_S]


def test_what_was_reserved_and_not_used_makes_room_at_once():
    time = Time()
    limited = pace(time, tokens_per_minute=100)

    async def one_after_another() -> None:
        for _ in range(10):
            await passed(limited, time, 50, used=5)

    asyncio.run(one_after_another())
    assert time.slept == []


def test_who_waits_for_tokens_goes_when_a_request_in_flight_used_less():
    forever = asyncio.Event()
    limited = Pace(ModelSettings(name="m", tokens_per_minute=100), Clock(lambda: 0.0, lambda _: forever.wait()))

    async def together() -> list[str]:
        order, second = [], asyncio.Event()

        async def late() -> None:
            second.set()
            async with limited.passage(90):
                order.append("second")

        async with limited.passage(90) as first:
            task = asyncio.create_task(late())
            await second.wait()
            await asyncio.sleep(0)
            order.append("first")
            first.tokens = 10
        await task
        return order

    assert asyncio.run(together()) == ["first", "second"]


@pytest.mark.parametrize("limit", [1, 3, None])
def test_no_more_are_in_flight_at_once_than_may_be(limit):
    time, most, going = Time(), 0, 0
    limited = pace(time, **({"concurrency": limit} if limit else {}))

    async def request() -> None:
        nonlocal most, going
        async with limited.passage(1):
            going += 1
            most = max(most, going)
            await asyncio.sleep(0)
            going -= 1

    async def together() -> None:
        await asyncio.gather(*(request() for _ in range(9)))

    asyncio.run(together())
    assert most == (limit or 9)


def test_who_gives_up_waiting_leaves_its_place_to_the_next():
    time, forever = Time(), asyncio.Event()
    clock = Clock(lambda: time.now, lambda _: forever.wait())
    limited = Pace(ModelSettings(name="m", requests_per_minute=1), clock)

    async def one_after_another() -> float:
        await passed(limited, time, 1)
        impatient = asyncio.create_task(passed(limited, time, 1))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        time.now += MINUTE_S
        return await passed(limited, time, 1)

    assert asyncio.run(one_after_another()) == time.now
