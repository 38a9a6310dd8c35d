"""The API as an application: its routes, what guards them, and its description."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from netstats_xl import __version__
from netstats_xl.app.service import Service
from netstats_xl.control.answering import handle_errors
from netstats_xl.control.companion_routes import companion_routes
from netstats_xl.control.describing import describe
from netstats_xl.control.destination_routes import destination_routes
from netstats_xl.control.events import Listening
from netstats_xl.control.guard import Application, Guard
from netstats_xl.control.job_routes import job_routes
from netstats_xl.control.methods import MethodCheck


def create_api(service: Service, *, token: str, port: int, listening: Listening | None = None) -> Application:
    """The ASGI application that serves a service to who knows the token and asks this port.

    `listening` holds the streams of events, for who wants to end them.
    """
    application, routes = create_application(service, Listening(service) if listening is None else listening)
    return Guard(MethodCheck(application, routes), token=token, port=port)


def create_application(service: Service, listening: Listening) -> tuple[FastAPI, Sequence[APIRoute]]:
    """The API without its guard, and its routes."""
    application = FastAPI(
        title="netstats_xl",
        version=__version__,
        description="What a collector of netstats_xl at work can be asked for.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    handle_errors(application)
    description = APIRouter()

    @description.get("/openapi.json", include_in_schema=False)
    def get_description() -> JSONResponse:
        return JSONResponse(describe(application))

    routers = (
        destination_routes(service),
        job_routes(service),
        companion_routes(service, listening),
        description,
    )
    for router in routers:
        application.include_router(router)
    return application, [
        route for router in routers for route in router.routes if isinstance(route, APIRoute)
    ]
