"""What a notification costs from bleak's callback to a durable reading, and many devices at once."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime

from device.gatt import HeartRateMeasurement, PlxContinuousMeasurement
from device.virtual import ChestStrap, PulseOximeter, VirtualRadio, Wearable
from device.virtual.wearables import PolarStrap
from healthslm.bench import far
from healthslm.bench.rows import Row, row
from healthslm.bench.ways import Listener, Spent, Streams, Way, bare_callback, into_the_store, spending, until

_STRAPS = 4
_ECG_SAMPLES, _ECG_HZ = 73, 130
_DICE = random.Random(2)  # noqa: S311  so that each run sends the same


def _beat() -> HeartRateMeasurement:
    return HeartRateMeasurement(_DICE.randrange(55, 95), True, None, (_DICE.randrange(650, 1100),))


async def _flooded(way: Way, values: int, after: float) -> Spent:
    """Take what straps in another process send as fast as the link takes it, until all is durable.

    Measured from the first value on, when everything is set up; `wall` and `cpu` are those of one value.
    """
    each = values // _STRAPS
    with far.serving(far.straps(_STRAPS, every=86_400, flood=each, after=after)) as socket:
        async with VirtualRadio.over(socket) as air:
            addresses = [far.address(number) for number in range(1, _STRAPS + 1)]
            async with way(air.radio, addresses, {}) as listener:
                await until(lambda: listener.count() > 0)
                before = listener.count()
                async with spending() as spent:
                    await until(lambda: listener.count() >= each * _STRAPS)
                    listener.commit()
    measured = each * _STRAPS - before
    return Spent(spent.wall / measured, spent.cpu / measured)


def share(repeat: int, values: int = 40_000, after: float = 2) -> list[Row]:
    """Measure both ways by turns: our share of the CPU of a notification, and both rates."""
    costs, rates, alone, alone_cpu = [], [], [], []
    for _ in range(repeat):
        bare = asyncio.run(_flooded(bare_callback, values, after))
        ours = asyncio.run(_flooded(into_the_store, values, after))
        costs.append((ours.cpu - bare.cpu) * 1e6)
        rates.append(100 * bare.wall / ours.wall)
        alone.append(1 / bare.wall)
        alone_cpu.append(bare.cpu * 1e6)
    return [
        row("a notification, from bleak's callback to durable", "µs of CPU", costs, 1, most=25),
        row("a notification up to bleak's callback", "µs of CPU", alone_cpu, 1),
        row("rate, of the bare callback's", "%", rates, 1, least=95),
        row("rate of the bare callback", "notifications/s", alone),
    ]


class _Worn:
    """Twenty devices that send once a second, and a strap that sends its ECG as well."""

    def __init__(self, count: int) -> None:
        self.strap = PolarStrap("C0:FF:EE:00:00:FF")
        self.others: list[Wearable] = [
            (ChestStrap, PulseOximeter)[n % 2](f"C0:FF:EE:00:00:{n:02X}") for n in range(1, count + 1)
        ]
        self.sent = 0

    @property
    def addresses(self) -> list[str]:
        return [wearable.address for wearable in (*self.others, self.strap)]

    @property
    def streams(self) -> Streams:
        return {self.strap.address: ["ecg"]}

    async def live(self, seconds: float) -> None:
        """Send for so long, each device at its own moment of the second."""
        beats = [
            self._every(1.0, n / len(self.others), seconds, wearable)
            for n, wearable in enumerate(self.others)
        ]
        ecg = self._every(_ECG_SAMPLES / _ECG_HZ, 0.1, seconds, None)
        await asyncio.gather(*beats, self._every(1.0, 0.5, seconds, self.strap), ecg)

    async def _every(self, period: float, at: float, seconds: float, wearable: Wearable | None) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while at < seconds:
            await asyncio.sleep(max(0.0, began + at - loop.time()))
            await self._send(wearable)
            at += period

    async def _send(self, wearable: Wearable | None) -> None:
        if wearable is None:
            heard = await self.strap.measure(self.strap.ecg(datetime.now(UTC)))
        elif isinstance(wearable, PulseOximeter):
            heard = await wearable.measure(PlxContinuousMeasurement(97.0, float(_DICE.randrange(55, 95))))
        else:
            heard = await wearable.measure(_beat())
        self.sent += heard


async def _together(way: Way, count: int, seconds: float) -> tuple[Spent, int, Listener]:
    """What so many devices take at once; how many values were not heard, and who listened."""
    worn = _Worn(count)
    async with VirtualRadio() as air:
        for wearable in (*worn.others, worn.strap):
            await air.add(wearable)
        async with way(air.radio, worn.addresses, worn.streams) as listener:
            await until(lambda: worn.strap.hears(worn.strap.ecg(datetime.now(UTC)).UUID))
            before = listener.count()
            async with spending() as spent:
                await worn.live(seconds)
                with suppress(TimeoutError):  # what is missing then is lost
                    await until(lambda: listener.count() - before >= worn.sent, 5)
                listener.commit()
            lost = worn.sent - (listener.count() - before)
    return spent, lost, listener


def together(repeat: int, *, count: int = 20, seconds: float = 20) -> list[Row]:
    """Measure twenty devices at 1 Hz and one ECG at 130 Hz: what is lost, and the CPU that we take."""
    shares, bases, losts = [], [], []
    for _ in range(repeat):
        bare, _, _ = asyncio.run(_together(bare_callback, count, seconds))
        ours, lost, listener = asyncio.run(_together(into_the_store, count, seconds))
        tally = listener.tally
        losts.append(float(lost + tally.dropped + tally.refused + tally.unsaved))
        shares.append(100 * (ours.cpu / ours.wall - bare.cpu / bare.wall))
        bases.append(100 * bare.cpu / bare.wall)
    what = f"{count} devices at 1 Hz and an ECG at {_ECG_HZ} Hz"
    return [
        row(f"{what}: our CPU", "% of a core", shares, 1, most=10),
        row(f"{what}: the two radios' CPU", "% of a core", bases, 1),
        row(f"{what}: values lost", "", losts, most=0),
    ]
