"""The ribbon's HTTP client under Windows' own script host, with Windows' own HTTP component.

`ControlClient.bas` keeps to what VBScript understands too: without its types it runs under `cscript`. Wine's
ServerXMLHTTP waits by itself alone (no messages are pumped for it), and knows neither time-outs nor proxies.
"""

import http.server
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netstats_xl.control.server import ControlServer
from netstats_xl.paths import FOLDER_VARIABLE, DataFolder, data_folder
from tests.fakes.service import NOW, FakeService

if sys.platform != "win32":
    pytest.skip("only Windows has a script host", allow_module_level=True)

WORKBOOK_ID = "0123456789abcdef0123456789abcdef"
CLIENT = Path(__file__).parents[2] / "workbook_template" / "vba" / "ControlClient.bas"
TOKEN = "t0ken"
PATIENCE_S = 60.0


class Script:
    """Runs VBScript that uses the client."""

    def __init__(self, folder: Path, data: Path | None) -> None:
        """`data`: the user's data folder; None: the one that he has without saying so."""
        self._folder, self._data = folder, data

    def run(self, *lines: str) -> list[str]:
        """What these lines echo."""
        path = self._folder / "client.vbs"
        path.write_text(
            "\r\n".join([without_types(CLIENT.read_text("ascii")), *PROLOGUE, *lines]), "ascii", newline=""
        )
        done = subprocess.run(
            ["cscript", "//nologo", str(path)],
            env=environment(self._data),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=True,
        )
        return done.stdout.decode("ascii", "replace").splitlines()

    def ask(self, verb: str, path: str, body: str = "", *, patience: str = "5") -> list[str]:
        """Whether it was done, the status, what is said to the user, and whether the collector counts as there."""
        quoted = body.replace('"', '""')
        return self.run(
            f'WScript.Echo Ask("{WORKBOOK_ID}", "{verb}", "{path}", "{quoted}", {patience})',
            "WScript.Echo LastStatus",
            "WScript.Echo LastText",
            f'WScript.Echo HasCollector("{WORKBOOK_ID}")',
        )


PROLOGUE = (
    "WaitsByItself = True",
    "Sub LetOthersWork",
    "End Sub",
    "Dim Place",
    "Function WorkbookPlace",
    "WorkbookPlace = Place",
    "End Function",
)


def environment(data: Path | None) -> dict[str, str]:
    without = {name: value for name, value in os.environ.items() if name != FOLDER_VARIABLE}
    return without if data is None else {**without, FOLDER_VARIABLE: str(data)}


def without_types(source: str) -> str:
    """The module as VBScript takes it."""
    source = re.sub(r"^Attribute .*\n", "", source, flags=re.MULTILINE)
    return re.sub(r"(?<=[\w)]) As (?:String|Boolean|Long|Double|Object|Variant)\b", "", source)


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data folder")


@pytest.fixture
def script(tmp_path: Path, data: DataFolder) -> Script:
    return Script(tmp_path, data.path)


@pytest.fixture
def service() -> FakeService:
    service = FakeService()
    service.write_destination({"name": "This computer", "host": "127.0.0.1"})
    return service


@pytest.fixture
def server(service: FakeService, data: DataFolder) -> Iterator[ControlServer]:
    server = ControlServer(
        service,
        endpoint=data.endpoint(WORKBOOK_ID),
        workbook="Bu\u0308ro.xlsm",
        database="Net.duckdb",
        started_at=NOW,
    )
    server.start()
    yield server
    server.stop()


Respond = Callable[[http.server.BaseHTTPRequestHandler], None]


@pytest.fixture
def odd_server(data: DataFolder) -> Iterator[Callable[[Respond], None]]:
    """A server that answers as it is told, for what the real one never does."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def serve(respond: Respond) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                respond(self)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        write_endpoint(data, f"http://127.0.0.1:{server.server_port}")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def write_endpoint(data: DataFolder, url: str, token: str = TOKEN) -> None:
    data.endpoints.mkdir(parents=True, exist_ok=True)
    data.endpoint(WORKBOOK_ID).write_text(f"url={url}\r\ntoken={token}\r\n", newline="")


def answer(status: int, body: bytes) -> Respond:
    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "text/plain; charset=utf-8")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def test_without_an_endpoint_file_nothing_is_asked(script: Script) -> None:
    done, status, text, there = script.ask("GET", "/v1/health")
    assert not is_true(done)
    assert not is_true(there)
    assert status == "0"
    assert text.startswith("The collector is not running. Click Start")


def test_the_data_folder_is_the_products(
    tmp_path: Path, data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert Script(tmp_path, data.path).run("WScript.Echo DataFolder()") == [str(data.path)]
    assert Script(tmp_path, None).run("WScript.Echo DataFolder()") == [str(data_folder().path)]


def test_a_real_collector_answers_in_a_sentence(
    script: Script, server: ControlServer, service: FakeService
) -> None:
    done, status, text, there = script.ask("POST", "/v1/refresh", "{}")
    assert is_true(done)
    assert is_true(there)
    assert (status, text) == ("200", "The latest figures are in Net.xlsm.")


def test_health_is_read_by_its_keys(script: Script, server: ControlServer, service: FakeService) -> None:
    service.paused = True
    echoed = script.run(
        f'WScript.Echo Ask("{WORKBOOK_ID}", "GET", "/v1/health", "", 5)',
        'WScript.Echo ValueOf(LastText, "paused")',
        'WScript.Echo ValueOf(LastText, "message")',
        'WScript.Echo ValueOf(LastText, "nothing") & "."',
    )
    assert is_true(echoed[0])
    assert echoed[1:] == ["1", service.health().summary, "."]


def test_the_collector_of_another_workbook_is_none(
    script: Script, server: ControlServer, service: FakeService
) -> None:
    asked = (
        f'WScript.Echo Ask("{WORKBOOK_ID}", "POST", "/v1/shutdown", "{{}}", 5)',
        "WScript.Echo LastText",
        f'WScript.Echo HasCollector("{WORKBOOK_ID}")',
    )
    done, text, there = script.run('Place = "C:\\Copy of Net.xlsm"', *asked)
    assert (is_true(done), is_true(there), service.ended.is_set()) == (False, False, False)
    assert text.startswith("The collector is not running.")
    done, text, there = script.run('Place = "NET.xlsm"', *asked)
    assert (is_true(done), is_true(there), service.ended.is_set()) == (True, True, True)


def test_texts_arrive_as_they_were(script: Script, server: ControlServer, service: FakeService) -> None:
    script.run(
        "Dim hosts, body",
        'hosts = "127.0.0.7" & Chr(9) & "127.0.0.8" & Chr(10) & "a""b\\c"',
        'body = "{""hosts"":" & JsonText(hosts) & "}"',
        f'WScript.Echo Ask("{WORKBOOK_ID}", "POST", "/v1/destinations/add", body, 5)',
    )
    assert [str(row["host"]) for row in service.rows["Destinations"]][1:] == ["127.0.0.7", "127.0.0.8"]
    [text] = script.run('WScript.Echo JsonText("a""b\\c" & Chr(9) & Chr(10) & Chr(31))')
    assert text == '"a\\"b\\\\c\\u0009\\u000A\\u001F"'


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "part"),
    [
        ("POST", "/v1/destinations/test", '{"ids":["nobody"]}', "404", "nobody"),
        ("POST", "/v1/jobs/run", '{"names":["Nothing"]}', "404", "Nothing"),
        ("GET", "/v1/nowhere", "", "404", "There is nothing at this path"),
        ("GET", "/v1/refresh", "", "405", "no such method"),
        ("PUT", "/v1/selection", "{", "400", "JSON"),
        ("PUT", "/v1/selection", '{"period":"soon"}', "422", "soon"),
    ],
)
def test_what_a_real_collector_refuses_is_told_in_its_words(
    script: Script, server: ControlServer, verb: str, path: str, body: str, status: str, part: str
) -> None:
    done, found, text, there = script.ask(verb, path, body)
    assert not is_true(done)
    assert is_true(there)
    assert found == status
    assert part in text


def test_a_wrong_token_is_refused(script: Script, server: ControlServer, data: DataFolder) -> None:
    endpoint = server.start()
    write_endpoint(data, endpoint.url, token="wrong")
    done, status, text, _ = script.ask("GET", "/v1/health")
    assert not is_true(done)
    assert status == "401"
    assert "token" in text


def test_an_event_is_told(script: Script, server: ControlServer, service: FakeService) -> None:
    script.run(f'Tell "{WORKBOOK_ID}", "/v1/workbook", "{{""event"":""changed""}}"')
    assert [str(each) for each in service.news] == ["changed"]


def test_a_collector_that_is_gone_is_noticed(script: Script, server: ControlServer, data: DataFolder) -> None:
    endpoint = server.start()
    server.stop()
    write_endpoint(data, endpoint.url)
    done, status, text, there = script.ask("GET", "/v1/health")
    assert not is_true(done)
    assert not is_true(there)
    assert status == "0"
    assert "it may have ended" in text


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1:80", "http://127.0.0.1.example:80", "https://127.0.0.1:80", "ftp://127.0.0.1:21", ""],
)
def test_a_token_goes_to_this_computer_alone(script: Script, data: DataFolder, url: str) -> None:
    write_endpoint(data, url)
    begun = time.monotonic()
    done, status, text, _ = script.ask("GET", "/v1/health")
    assert not is_true(done)
    assert (status, "cannot be asked" in text) == ("0", True)
    assert time.monotonic() - begun < PATIENCE_S


@pytest.mark.parametrize("body", [b"<html>Oops</html>", b'{"detail":"Oops"}', b""])
def test_an_answer_that_is_no_sentence_is_told_by_its_status(
    script: Script, odd_server: Callable[[Respond], None], body: bytes
) -> None:
    odd_server(answer(500, body))
    done, status, text, _ = script.ask("GET", "/v1/health")
    assert not is_true(done)
    assert (status, text) == ("500", "The collector answered with the status 500.")


def test_a_long_answer_is_cut(script: Script, odd_server: Callable[[Respond], None]) -> None:
    odd_server(answer(200, b"x" * 100_000))
    done, _, text, _ = script.ask("GET", "/v1/health")
    assert is_true(done)
    assert text == "x" * 900


def test_a_server_that_hangs_up_without_an_answer_ends_the_waiting(
    script: Script, odd_server: Callable[[Respond], None]
) -> None:
    def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    odd_server(hang_up)
    done, status, text, _ = script.ask("GET", "/v1/health", patience="0.3")
    assert not is_true(done)
    assert status == "0"
    assert text.startswith("The collector ")


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "..\\..\\x" + "0" * 25, "ABCDEF" + "0" * 26])
def test_what_is_no_identity_names_no_file(script: Script, text: str) -> None:
    flag, facts = script.run(f'WScript.Echo IsId("{text}")', f'WScript.Echo Endpoint("{text}") & "."')
    assert (is_true(flag), facts) == (False, ".")


def is_true(text: str) -> bool:
    """A flag as the script host echoes it: by name, or as a number where Wine does."""
    assert text in ("True", "False", "-1", "0")
    return text in ("True", "-1")
