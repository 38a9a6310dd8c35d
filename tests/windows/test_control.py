"""The control channel on Windows: who may open the endpoint file, and a server in another process."""

import subprocess
import sys
from pathlib import Path

import pytest

from netstats_xl.control.client import ControlClient
from netstats_xl.control.credentials import read_endpoint, write_endpoint
from netstats_xl.errors import CompanionNotRunning
from tests.control.test_credentials import ENDPOINT

if sys.platform != "win32":
    pytest.skip("access control lists are of Windows", allow_module_level=True)

import win32api
import win32con
import win32file
import win32security

PATIENCE_S = 120.0
EVERYONE, SYSTEM = "S-1-1-0", "S-1-5-18"
SERVE = """
import sys
from pathlib import Path
from netstats_xl.control.server import ControlServer
from tests.fakes.service import NOW, FakeService
service = FakeService()
with ControlServer(service, endpoint=Path(sys.argv[1]), workbook="W", database="D", started_at=NOW):
    print("ready", flush=True)
    service.ended.wait()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "companions" / "0.txt"


def entries(path: Path) -> list[tuple[int, int, str]]:
    """The file's access control list: kind, rights and who."""
    descriptor = win32security.GetFileSecurity(str(path), win32security.DACL_SECURITY_INFORMATION)
    acl = descriptor.GetSecurityDescriptorDacl()
    found = (acl.GetAce(index) for index in range(acl.GetAceCount()))
    return [(kind, mask, win32security.ConvertSidToStringSid(sid)) for (kind, _), mask, sid in found]


def me() -> str:
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32con.TOKEN_QUERY)
    sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    return str(win32security.ConvertSidToStringSid(sid))


def open_to_everyone(folder: Path) -> None:
    """Let everyone do everything in a folder, and in what is made there."""
    inherited = win32security.OBJECT_INHERIT_ACE | win32security.CONTAINER_INHERIT_ACE
    acl = win32security.ACL()
    acl.AddAccessAllowedAceEx(
        win32security.ACL_REVISION,
        inherited,
        win32con.GENERIC_ALL,
        win32security.ConvertStringSidToSid(EVERYONE),
    )
    win32security.SetNamedSecurityInfo(
        str(folder),
        win32security.SE_FILE_OBJECT,
        win32security.DACL_SECURITY_INFORMATION,
        None,
        None,
        acl,
        None,
    )


def test_only_its_user_may_open_the_endpoint_file_whatever_the_folder_lets_others_do(path: Path) -> None:
    path.parent.mkdir()
    open_to_everyone(path.parent)
    ordinary = path.with_name("ordinary.txt")
    ordinary.write_text("x")
    assert EVERYONE in {who for _, _, who in entries(ordinary)}
    for _ in range(2):
        write_endpoint(path, ENDPOINT)
        found = entries(path)
        assert {kind for kind, _, _ in found} == {win32security.ACCESS_ALLOWED_ACE_TYPE}
        # Wine keeps lists as a Unix file's mode, and adds the system to each.
        assert {who for _, _, who in found} - {SYSTEM} == {me()}
    assert read_endpoint(path) == ENDPOINT


def test_a_file_that_cannot_be_made_is_told_as_such(path: Path) -> None:
    write_endpoint(path, ENDPOINT)
    handle = win32file.CreateFile(str(path), win32con.GENERIC_READ, 0, None, win32con.OPEN_EXISTING, 0, None)
    try:
        with pytest.raises(OSError, match=r"0\.txt"):
            write_endpoint(path, ENDPOINT)
    finally:
        handle.Close()
    assert [each.name for each in path.parent.iterdir()] == ["0.txt"]


def test_a_server_in_another_process_is_found_and_asked_and_ended(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            with ControlClient.find(path, patience_s=PATIENCE_S) as client:
                assert client.add_hosts("127.0.0.1 127.0.0.2")["message"] == "Added 127.0.0.1, 127.0.0.2."
                assert client.test(names=["127.0.0.2"])["message"] == "127.0.0.2 answers: 2 ms."
                assert list(client.events(seconds=0.1)) == []
                assert client.shutdown()["message"]
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
    assert not path.exists()
    with pytest.raises(CompanionNotRunning):
        ControlClient.find(path)
