"""What holds for all tests."""

import os

from hypothesis import settings

# No test is timed: these machines are shared. CI looks at the same examples every time, so that a change is judged
# by what it changed; runs by hand look for new ones.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")
