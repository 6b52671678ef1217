"""Ports stay the same from run to run where they can; receivers that moved are remembered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock_cloud import ports
from penstock_cloud.state import StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_the_same_ports_again(folder: StateFolder) -> None:
    first = ports.choose(folder, ports.gateway(folder), with_receiver=True)
    assert ports.gateway(folder) == first.gateway
    assert ports.choose(folder, first.gateway, with_receiver=True) == first
    assert first.former_receivers == []


def test_a_receiver_whose_port_is_taken_moves_and_is_remembered(folder: StateFolder, taken: int) -> None:
    before = ports.Ports(gateway=taken, services=taken, receiver=taken, former_receivers=[7])
    folder.ports.write_text(before.model_dump_json())
    now = ports.choose(folder, ports.gateway(folder), with_receiver=True)
    assert taken not in {now.gateway, now.services, now.receiver}
    assert now.former_receivers == sorted([7, taken])
    assert ports.last(folder) == now


def test_a_port_whose_listener_is_ending_is_waited_for(folder: StateFolder) -> None:
    held = socket.create_server(("127.0.0.1", 0))
    port = held.getsockname()[1]
    folder.ports.write_text(ports.Ports(gateway=port, services=1).model_dump_json())
    ending = threading.Timer(0.3, held.close)
    ending.start()
    assert ports.gateway(folder) == port
    ending.join()


def test_a_run_without_a_receiver_keeps_its_port_for_the_next(folder: StateFolder) -> None:
    first = ports.choose(folder, 4566, with_receiver=True)
    assert ports.choose(folder, 4566, with_receiver=False).receiver == first.receiver
    assert ports.choose(folder, 4566, with_receiver=True) == first


def test_a_file_that_is_not_readable_is_no_file(folder: StateFolder) -> None:
    folder.ports.write_text("{")
    assert ports.last(folder) is None
