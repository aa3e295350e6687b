from benchmarks.profiles import STORIES, weigh


def test_a_person_with_three_open_journeys_and_a_short_memory_takes_no_more_than_1500_bytes() -> (
    None
):
    found = weigh(STORIES["a cart left"])

    assert (found.instances, found.remembered) == (3, 3)
    assert found.size <= 1500
