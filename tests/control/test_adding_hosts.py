"""Blocks and ranges among the hosts that are added."""

from typing import Any

import pytest

from netstats_xl.control.client import ControlClient
from netstats_xl.control.destination_routes import MOST_HOSTS
from netstats_xl.errors import ConfigurationError, SheetInvalid
from netstats_xl.sheets import DESTINATIONS
from tests.fakes.service import FakeService


def hosts(service: FakeService) -> list[Any]:
    return [row["host"] for row in service.rows[DESTINATIONS]]


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.0/30, a.example",
        "127.0.0.1-2 a.example",
        "127.0.0.1 - 127.0.0.2; a.example",
        "127.0.0.1 – 2\na.example",
        "127.0.0.1, 127.0.0.0/30, 127.0.0.1-127.0.0.2, a.example",
    ],
)
def test_a_block_or_a_range_becomes_a_destination_of_each_of_its_addresses(
    client: ControlClient, service: FakeService, text: str
) -> None:
    answer = client.add_hosts(text)
    assert answer["message"] == "Added 127.0.0.1, 127.0.0.2, a.example."
    assert hosts(service) == ["127.0.0.1", "127.0.0.2", "a.example"]


def test_a_block_that_cannot_be_expanded_keeps_nothing_else_from_being_added(
    client: ControlClient, service: FakeService
) -> None:
    answer = client.add_hosts("127.0.0.9-1, a.example, 10.0.0.0/8")
    assert hosts(service) == ["a.example"]
    assert [cell["value"] for cell in answer["cells"]] == ["127.0.0.9-1", "10.0.0.0/8"]
    assert "the range ends before it begins" in answer["message"]
    with pytest.raises(SheetInvalid, match="Nothing was added"):
        client.add_hosts("127.0.0.9-1")


def test_dashes_between_what_is_no_range_stay(client: ControlClient, service: FakeService) -> None:
    with pytest.raises(SheetInvalid, match="Nothing was added"):
        client.add_hosts("a! - b!")
    assert client.add_hosts("a-b.example")["message"] == "Added a-b.example."


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/16", "10.0.0.0/22 a.example", " ".join(f"10.{number}.0.0/16" for number in range(250))],
)
def test_blocks_of_too_many_addresses_are_refused_before_anything_is_written(
    client: ControlClient, service: FakeService, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"which are {MOST_HOSTS:,}: add fewer, or write blocks"):
        client.add_hosts(text)
    assert not hosts(service)


def test_a_block_of_as_many_as_there_may_be_is_not_too_large(
    client: ControlClient, service: FakeService
) -> None:
    tried = []

    def before(name: str) -> None:
        tried.append(name)
        raise SheetInvalid("The row is bad.")

    service.before = before
    with pytest.raises(SheetInvalid):
        client.add_hosts(f"10.0.0.0-10.0.{(MOST_HOSTS - 1) // 256}.{(MOST_HOSTS - 1) % 256}")
    assert len(tried) == MOST_HOSTS


def test_services_are_added_beside_hosts(client: ControlClient, service: FakeService) -> None:
    client.add_hosts("tcp://a.example:443, https://a.example/x-y dns://127.0.0.1?name=a.example, 127.0.0.1-2")
    assert hosts(service) == [
        "tcp://a.example:443",
        "https://a.example/x-y",
        "dns://127.0.0.1?name=a.example",
        "127.0.0.1",
        "127.0.0.2",
    ]
