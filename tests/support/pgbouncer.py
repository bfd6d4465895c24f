"""A real PgBouncer in transaction mode, for the tests that want one: Debian's, started before a database."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from support import apt
from support.postgres import free_port


def _program(require_peers: bool) -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    if shutil.which("pgbouncer", path=path) is None and apt.can_install():
        apt.install("pgbouncer")
    found = shutil.which("pgbouncer", path=path)
    if found is None:
        why = "no PgBouncer: apt-get install pgbouncer needs root and Debian's packages"
        (pytest.fail if require_peers else pytest.skip)(why)
    return found


@asynccontextmanager
async def pgbouncer(address: str, *, require_peers: bool) -> AsyncIterator[str]:
    """The address of the database through a pooler whose few connections go from one program to the next."""
    url, port = make_url(address), free_port()
    process, folder = _start(_program(require_peers), url, port)
    try:
        await _accepts(port, process)
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        shutil.rmtree(folder, ignore_errors=True)


def _start(program: str, url: URL, port: int) -> tuple[subprocess.Popen[bytes], Path]:
    folder = Path(tempfile.mkdtemp(prefix="colloquy-pgbouncer-"))
    password = (url.password or "").replace('"', '""')
    (folder / "users").write_text(f'"{url.username}" "{password}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={url.host} port={url.port}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users\npool_mode = transaction\ndefault_pool_size = 3\n"
    )
    command, user = [program, str(folder / "pgbouncer.ini")], None
    if os.geteuid() == 0:  # it refuses to run as root
        user = "postgres"
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    process = subprocess.Popen(command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, folder


async def _accepts(port: int, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(60):
        while process.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
    raise AssertionError("PgBouncer ended by itself")
