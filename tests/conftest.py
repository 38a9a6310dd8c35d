"""What holds for all tests."""

import os
import tempfile

from hypothesis import settings

# No test touches the user's own data folder, nor asks a collector that is at work on this computer.
_data = tempfile.TemporaryDirectory(prefix="netstats-tests-", ignore_cleanup_errors=True)
os.environ["NETSTATS_XL_DATA"] = _data.name

# No test is timed: these machines are shared. CI looks at the same examples every time, so that a change is judged
# by what it changed; runs by hand look for new ones.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")
