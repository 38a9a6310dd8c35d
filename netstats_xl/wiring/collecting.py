"""The parts of a companion: which technology serves which port."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netstats_xl.app.service import Service
from netstats_xl.domain.demand import start_delay
from netstats_xl.domain.endpoints import is_echo
from netstats_xl.domain.results import describe
from netstats_xl.domain.targets import Definitions, EchoSettings, Engine, Settings
from netstats_xl.errors import ConfigurationError, ProbeEngineError
from netstats_xl.parts import Parts, Server
from netstats_xl.paths import companion_id, data_folder
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.scheduling import Scheduler
from netstats_xl.scheduling.scheduler import OnError
from netstats_xl.wiring.files import (
    clock,
    database_path,
    file_workbook,
    identity_of,
    new_id,
    open_store,
    report_file,
    report_path,
    system_zone,
)
from netstats_xl.wiring.running import companions, is_same

if TYPE_CHECKING:
    from netstats_xl.hosting.instance import Holder


def connect(workbook: Path, *, report: Path | None = None, database: Path | None = None) -> Parts:
    """The parts for collecting from a workbook file; `database` goes before the Settings sheet's."""

    def path_of(settings: Settings) -> Path:
        path = database_path(workbook, settings, database)
        target = report or report_path(workbook)
        if target.resolve() == path.resolve():
            raise ConfigurationError(f"{target} is the database: choose another name for the report.")
        return path

    def make_server(service: Service, settings: Settings, started_at: datetime) -> Server:
        name = str(workbook.resolve())
        # Where the database should be, also while results are kept in memory: its lock is held there.
        database_name = str(path_of(settings).resolve())
        return control_server(service, id_of(settings), workbook=name, database=database_name, at=started_at)

    def id_of(settings: Settings) -> str:
        identity = identity_of(workbook) if database is None else None
        return identity or companion_id(path_of(settings))

    return Parts(
        clock=clock(),
        workbook=file_workbook(workbook, report),
        workbook_name=workbook.name,
        open_prober=open_prober,
        open_store=lambda settings, watcher: open_store(path_of(settings), watcher=watcher),
        open_memory_store=lambda: open_store(None),
        make_scheduler=make_scheduler,
        new_id=new_id,
        default_zone=system_zone(),
        report_to=report_file,
        report_folder=lambda: workbook.parent,
        own_files=(workbook,),
        hold=lambda settings: hold(path_of(settings), id_of(settings), workbook=str(workbook.resolve())),
        make_server=make_server,
    )


def open_prober(definitions: Definitions, engine: Engine = Engine.AUTOMATIC) -> Prober:
    """What sends the probes, in a process of its own.

    Raises:
        ConfigurationError: the environment asks for an engine that there is not.
        ProbeEngineError: this user cannot ping, and these definitions have nothing but pings.
    """
    from netstats_xl.probes import choice
    from netstats_xl.probes.echo_choice import engine_in_force
    from netstats_xl.probes.process import ProcessProber

    pings = all(is_echo(each.host) for each in definitions.destinations if each.enabled)
    # Settled here: whatever else than a `ProbeEngineError` the process meets, it takes for its own fault.
    return ProcessProber.open(partial(choice.open_prober, engine_in_force(engine), pings=pings))


def make_scheduler(on_error: OnError) -> Scheduler:
    """What runs the jobs: their rounds begin a little after their ticks, each job's at a moment of its own."""
    return Scheduler(on_error=on_error, delay=lambda job_id, schedule: start_delay(job_id, schedule.interval))


def why_no_pings() -> str | None:
    """Why this user cannot ping even this computer, with the remedy; None where that works."""
    from netstats_xl.probes.echo_choice import open_echo_prober

    async def ping() -> str | None:
        prober = open_echo_prober(Engine.AUTOMATIC)
        try:
            target = ProbeTarget(destination_id="here", host="127.0.0.1")
            [result] = await prober.probe([target], EchoSettings(packets=2, packet_interval_ms=50))
        finally:
            await prober.close()
        why = describe(result.outcome)
        return f"This computer does not answer its own pings: {why}." if why else None

    try:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(ping())
    except ProbeEngineError as error:
        return error.message


@contextmanager
def hold(database: Path, id_: str, *, workbook: str) -> Iterator[None]:
    """Be the database's only companion within the block, and keep a log.

    Raises:
        HeldElsewhere: another one collects into it; the message says which.
    """
    from netstats_xl.hosting.instance import HeldElsewhere, InstanceLock, this_process
    from netstats_xl.hosting.logfile import logging_to

    with ExitStack() as stack:
        try:
            stack.enter_context(InstanceLock.take(database, this_process(workbook, clock().now())))
        except HeldElsewhere as error:
            named = _answering_for(database) if error.holder is None else None
            if named is not None:
                raise HeldElsewhere(database, named) from error
            raise
        with suppress(OSError):  # a log that cannot be made is no reason not to measure
            stack.enter_context(logging_to(data_folder().log(id_)))
        yield


def _answering_for(database: Path) -> "Holder | None":
    """The companion that says it collects into the database; None where none does."""
    from netstats_xl.hosting.instance import Holder

    for _, client in companions(data_folder()):
        with client:
            other = client.endpoint
        if is_same(other.database, database):
            return Holder(process=other.process, since=other.started_at, workbook=other.workbook)
    return None


def control_server(service: Service, id_: str, *, workbook: str, database: str, at: datetime) -> Server:
    """The control channel of the companion that is known by this ID."""
    from netstats_xl.control.server import ControlServer

    endpoint = data_folder().endpoint(id_)
    return ControlServer(service, endpoint=endpoint, workbook=workbook, database=database, started_at=at)
