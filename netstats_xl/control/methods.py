"""Which methods a path has: told completely where a request has another one."""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any, NamedTuple

from fastapi.routing import APIRoute

from netstats_xl.control.guard import Application, Receive, Send, refuse


class _Path(NamedTuple):
    pattern: re.Pattern[str]
    literal: bool
    methods: frozenset[str]


class MethodCheck:
    """Refuses a method that a path lacks, before an application takes `test` in a path for an ID, say.

    The framework's own check looks at one route at a time: it would name some of a path's methods only.
    """

    def __init__(self, application: Application, routes: Iterable[APIRoute]) -> None:
        self._application = application
        self._paths = [
            _Path(route.path_regex, "{" not in route.path, frozenset(route.methods or ())) for route in routes
        ]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """An ASGI application."""
        allowed = self.methods(scope["path"])
        if allowed and scope["method"] not in allowed:
            await refuse(405, scope, send, [(b"allow", ", ".join(sorted(allowed)).encode())])
        else:
            await self._application(scope, receive, send)

    def methods(self, path: str) -> frozenset[str]:
        """The path's methods; none where there is no such path."""
        found = [each for each in self._paths if each.pattern.match(path)]
        literal = [each for each in found if each.literal]
        return frozenset().union(*(each.methods for each in literal or found))
