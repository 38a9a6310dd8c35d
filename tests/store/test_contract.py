"""Every result store keeps the contract."""

from pathlib import Path

import pytest

from netstats_xl.store.duckdb_store import DuckDbStore
from tests.contracts.result_store import OpenStore, ResultStoreContract
from tests.fakes.memory_store import MemoryStore


class TestMemoryStore(ResultStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return MemoryStore


class TestDuckDbFile(ResultStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda: DuckDbStore.open(tmp_path / "results.duckdb")


class TestDuckDbInMemory(ResultStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda: DuckDbStore.open(None)
