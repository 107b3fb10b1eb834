"""What is wanted of a recorder is not taken back by a bucket that was lost."""

from manara.recorder.desired import Desired


def _told(*keys: str) -> Desired[str]:
    desired: Desired[str] = Desired()
    for key in keys:
        desired.put(key, key.upper())
    desired.mark(True)
    desired.listed()
    return desired


def test_a_whole_bucket_says_what_is_wanted() -> None:
    desired = _told("a", "b")
    desired.remove("a")
    assert desired.now() == {"b": "B"}


def test_what_was_remembered_goes_only_when_the_bucket_is_whole() -> None:
    desired: Desired[str] = Desired()
    desired.remember({"old": "OLD", "a": "before"})
    desired.put("a", "A")
    desired.listed()
    assert desired.now() == {"old": "OLD", "a": "A"}
    desired.mark(True)
    assert desired.now() == {"a": "A"}


def test_the_mark_before_the_rest_of_the_list_takes_nothing_back() -> None:
    desired: Desired[str] = Desired()
    desired.remember({"a": "A", "b": "B"})
    desired.mark(True)
    assert desired.now() == {"a": "A", "b": "B"}
    desired.put("a", "A")
    desired.listed()
    assert desired.now() == {"a": "A"}


def test_a_bucket_that_was_lost_and_comes_back_empty_takes_nothing_back() -> None:
    desired = _told("a", "b")
    desired.mark(False)  # told first: its key sorts before all others
    desired.remove("a")
    desired.remove("b")
    assert desired.now() == {"a": "A", "b": "B"}
    desired.put("b", "B2")  # control fills it again; "a" was removed meanwhile
    desired.mark(True)
    assert desired.now() == {"b": "B2"}
