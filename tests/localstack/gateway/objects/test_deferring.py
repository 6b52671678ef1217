"""Acts of a request wait for its end, each thread for itself; outside of requests they are done at once."""

from __future__ import annotations

import threading

from penstock_gateway.objects import deferring


def test_acts_wait_for_the_end_of_the_request() -> None:
    done: list[str] = []
    deferring.act(lambda: done.append("outside"))
    deferring.begin()
    deferring.act(lambda: done.append("inside"))
    deferring.touch("bucket", "key")
    other = threading.Thread(target=lambda: deferring.act(lambda: done.append("another thread")))
    other.start()
    other.join()
    assert done == ["outside", "another thread"]
    deferred = deferring.finish()
    assert deferred.touched == {("bucket", "key")}
    for act in deferred.acts:
        act()
    assert done[-1] == "inside"
    assert deferring.finish().acts == []
