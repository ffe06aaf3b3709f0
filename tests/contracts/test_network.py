"""Nothing goes to the network: no test can, and no module below the web shell is able to."""

from __future__ import annotations

import ast
import socket
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src" / "ischio"
CLIENTS = frozenset(
    "aiohttp asyncio ftplib http httpx imaplib poplib requests smtplib socket socketserver ssl telnetlib "
    "urllib urllib3 webbrowser websockets xmlrpc".split()
)
HARMLESS = frozenset({"urllib.parse"})  # text only


def network_modules(source: str) -> set[str]:
    """Modules in ``source`` that can open a connection."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        found |= {name for name in names if name.split(".")[0] in CLIENTS and name not in HARMLESS}
    return found


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_no_module_can_reach_the_network(path: Path) -> None:
    if path.relative_to(SRC).parts[0] == "web":
        return  # it serves on this machine; its own tests say to whom
    assert not network_modules(path.read_text(encoding="utf-8"))


def test_network_modules_are_seen() -> None:
    source = (
        "import json\nimport urllib.request\nfrom urllib.parse import quote\ndef f():\n    import socket\n"
    )
    assert network_modules(source) == {"urllib.request", "socket"}


def test_sockets_are_blocked() -> None:
    with socket.socket() as a_socket:
        with pytest.raises(AssertionError, match="network"):
            a_socket.connect(("127.0.0.1", 9))
        with pytest.raises(AssertionError, match="network"):
            a_socket.connect_ex(("127.0.0.1", 9))
    with socket.socket(type=socket.SOCK_DGRAM) as a_socket, pytest.raises(AssertionError, match="network"):
        a_socket.sendto(b"", ("127.0.0.1", 9))
    with pytest.raises(AssertionError, match="network"):
        socket.create_connection(("example.org", 80))
    with pytest.raises(AssertionError, match="network"):
        socket.getaddrinfo("example.org", 80)


def test_local_pipes_still_work(tmp_path: Path) -> None:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("this system has no local sockets")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
