"""What the bench measures is right; how fast it is, is for `healthslm bench` to say."""

from healthslm.bench import cost, decoding, latency, llama
from healthslm.bench.bandwidth import gigabytes_per_s
from healthslm.bench.bluetooth import soaked
from healthslm.bench.rows import row
from healthslm.bench.soak import soak


async def test_thirty_losses_lose_nothing_and_leave_nothing_behind() -> None:
    result = await soak(30, seed=3)
    assert result.losses == len(result.back) == 30
    assert result.attempts > 0, "some returns failed on the way"
    assert result.missed > 0, "some was measured while nobody was there"
    assert result.delivered > 30
    assert result.unaccounted == 0
    assert (result.tally.refused, result.tally.dropped, result.tally.unsaved) == (0, 0, 0)
    assert result.descriptors == 0
    assert [r.met for r in soaked(result) if "unaccounted" in r.name or "descriptors" in r.name] == [True] * 2


def test_both_ways_hear_all_of_it() -> None:
    rows = {r.name: r for r in cost.share(1, values=4000, after=1)}
    assert rows["rate of the bare callback"].value > 0
    many = {r.name.split(": ")[-1]: r for r in cost.together(1, count=3, seconds=1)}
    assert many["values lost"].value == 0


def test_decoding_is_of_what_devices_send() -> None:
    assert [r.unit for r in decoding.run(1, seconds=0.001)] == ["frames/s"] * 4


def test_a_row_says_whether_it_is_reached() -> None:
    slow = row("speed", "m/s", [1, 2, 9], least=3)
    assert (slow.value, slow.reach, slow.met) == (2, "≥ 3", False)
    assert row("size", "m", [1.5], 1, most=3).met is True
    assert row("size", "m", [1.5]).met is None


def test_an_alert_is_decided_in_the_bench_as_in_use() -> None:
    assert all(milliseconds > 0 for milliseconds in latency.decisions(2))


def test_the_memory_is_read_faster_than_a_disk() -> None:
    assert gigabytes_per_s(1, rounds=1) > 0


def test_llama_is_left_out_where_it_is_not() -> None:
    assert "healthslm[llama]" in llama.MISSING
    assert isinstance(llama.is_there(), bool)
