"""What several tests of the store work with."""

import pytest

from tests.store.flipping import Victim, make_victim


@pytest.fixture(scope="session")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """A database as a killed collector leaves it."""
    return make_victim(tmp_path_factory.mktemp("victim"))
