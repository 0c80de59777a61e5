"""Files behind SFTP, against a real server: the same rows, the same end, and a server that nobody knows."""

import asyncio
from contextlib import asynccontextmanager

import asyncssh
import pytest

from engine.connect import Fault
from engine.errors import ConfigurationError
from tests.runtime.dropping import Drop

KEY = asyncssh.generate_private_key("ssh-ed25519")
PASSWORD = "letmein"


class Account(asyncssh.SSHServer):
    """Lets one user in, by password or by key."""

    user_key = asyncssh.generate_private_key("ssh-ed25519")

    def begin_auth(self, username):
        del username
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return (username, password) == ("tide", PASSWORD)

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, username, key):
        return username == "tide" and key == self.user_key.convert_to_public()


@asynccontextmanager
async def serving(folder):
    root = str(folder).encode()
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[KEY],
        server_factory=Account,
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=root),
    )
    async with server:
        yield server.sockets[0].getsockname()[1]


def settings(port=0, host_key=None, **auth):
    public = (host_key or KEY).export_public_key().decode().strip()
    return {
        "server": f"127.0.0.1:{port}",
        "folder": "/",
        "host_key": public,
        "auth": {"username": "tide", **(auth or {"password": PASSWORD})},
    }


def looked(tmp_path, fill, *, times=1, **said):
    """What becomes of files on a server that runs while one looks."""

    async def looking():
        (tmp_path / "served").mkdir()
        async with serving(tmp_path / "served" / "inbox") as port:
            drop = Drop(tmp_path / "served", "sftp:", settings(port, **said))
            fill(drop)
            watcher, connections = await drop.watcher()
            try:
                for _ in range(times):
                    await watcher.look()
            finally:
                await connections.aclose()
            return drop

    return asyncio.run(looking())


@pytest.mark.requirement("PAT-13")
@pytest.mark.parametrize("by", ["password", "key"])
def test_files_are_read_and_put_away(tmp_path, by):
    def fill(drop):
        drop.put("hours-1.csv", "a;1;P", "b;x;P")
        drop.put("hours-2.csv", "c;1;P")
        (drop.inbox / "bad").mkdir()
        drop.put("hours-1.csv", "former", into="bad")

    auth = (
        {"password": PASSWORD}
        if by == "password"
        else {"key": Account.user_key.export_private_key().decode()}
    )
    drop = looked(tmp_path, fill, times=2, **auth)
    assert drop.ids == ["a", "c"]
    assert (drop.names(), drop.names("done")) == ([], ["hours-2.csv"])
    former, *found = drop.names("bad")
    assert (former[:8], len(found)) == ("hours-1-", 2)
    assert any(name.endswith(".report.csv") for name in (former, *found))


def test_a_connection_that_broke_is_made_again(tmp_path):
    async def breaking():
        (tmp_path / "served").mkdir()
        async with serving(tmp_path / "served" / "inbox") as port:
            drop = Drop(tmp_path / "served", "sftp:", settings(port))
            watcher, connections = await drop.watcher()
            await watcher.look()
            watcher.dropped.place._connection.abort()
            drop.put("hours-1.csv", "a;1;P")
            with pytest.raises(Fault):
                await watcher.look()
            await watcher.look()
            await connections.aclose()
            return drop

    assert asyncio.run(breaking()).ids == ["a"]


@pytest.mark.requirement("API-09")
@pytest.mark.parametrize(
    "said",
    [{"host_key": asyncssh.generate_private_key("ssh-ed25519")}, {"password": "wrong"}],
    ids=["host", "user"],
)
def test_a_server_or_a_user_that_is_not_known_is_a_fault(tmp_path, said):
    with pytest.raises(Fault, match=r"cannot be reached on 127\.0\.0\.1"):
        looked(tmp_path, lambda drop: drop.put("hours-1.csv", "a;1;P"), **said)


def test_a_key_that_is_none_is_said(tmp_path):
    drop = Drop(tmp_path, "sftp:", settings(22, key="none"))
    with pytest.raises(ConfigurationError, match="its key cannot be read"):
        drop.look()
