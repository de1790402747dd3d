"""The client connects to checked addresses only, for any result of the name server or the receiver."""

from __future__ import annotations

import asyncio
import socket

import pytest

from switchboard.kit import clock
from switchboard.outbound import destination, resolver
from switchboard.outbound.client import ConnectionFailedError, ForbiddenTargetError, GuardedClient, Response, _target
from tests.unit.outbound.conftest import Authority, run_scenario
from tests.unit.outbound.server import Network, Server, send_response

HOOK = "https://hooks.example.com/hook"
PUBLIC, OTHER, PRIVATE = "93.184.215.14", "1.1.1.1", "10.0.0.7"


def send_post(client: GuardedClient, url: str = HOOK, **headers: str) -> asyncio.Future[Response]:
    return asyncio.ensure_future(client.post(url, headers, b"{}", 2))


def serve_hooks(network: Network, authority: Authority, *acts: object) -> Server:
    """A receiver at hooks.example.com, wherever that is."""
    return Server(list(acts) or [send_response()], tls=authority.server("hooks.example.com"))  # type: ignore[arg-type]


def test_a_post_goes_to_the_address_that_was_checked(network: Network, authority: Authority) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC], [PRIVATE]]
        async with (
            serve_hooks(network, authority) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            assert (await send_post(client)).status == 200
            assert network.looked_up == ["hooks.example.com"]
            assert network.dialed == [(PUBLIC, 443)]
            assert server.names == ["hooks.example.com"]

    run_scenario(scenario)


def test_a_name_that_moves_into_a_private_network_is_refused(
    network: Network, authority: Authority, frozen: clock.FrozenClock
) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC], [PRIVATE]]
        async with (
            serve_hooks(network, authority) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            await send_post(client)
            frozen.advance(seconds=60)  # neither the connection nor the address is cached that long
            with pytest.raises(ForbiddenTargetError, match="not on the public internet"):
                await send_post(client)
            assert network.looked_up == ["hooks.example.com"] * 2
            assert network.dialed == [(PUBLIC, 443)]

    run_scenario(scenario)


@pytest.mark.parametrize(
    "addresses",
    [
        [PRIVATE], [PUBLIC, PRIVATE], [PRIVATE, PUBLIC], ["127.0.0.1"], [PUBLIC, "::1"], ["169.254.169.254"],
        ["fd00:ec2::254"], ["::ffff:93.184.215.14"], ["64:ff9b::5db8:d70e"], ["2606:4700::1", "fe80::1"], ["0.0.0.0"],
        ["fe80::1%2"], ["not an address"],
    ],
)  # fmt: skip
def test_a_name_with_any_address_that_is_not_public_is_refused(network: Network, addresses: list[str]) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [addresses]
        async with GuardedClient(lookup=network.lookup) as client:
            with pytest.raises(
                ForbiddenTargetError, match=r"^the host resolves to an address that is not on the public internet$"
            ):
                await send_post(client)
        assert network.dialed == []

    run_scenario(scenario)


def test_every_waiting_post_to_a_refused_name_is_refused(network: Network) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PRIVATE]]
        async with GuardedClient(lookup=network.lookup) as client:
            results = await asyncio.gather(*(send_post(client) for _ in range(5)), return_exceptions=True)
        assert [type(one) for one in results] == [ForbiddenTargetError] * 5
        assert len(network.looked_up) == 1

    run_scenario(scenario)


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/", "https://localhost/",
        "http://hooks.example.com/", "https://user:pass@hooks.example.com/", "https://hooks.example.com:22/",
        "https://2130706433/", "https://intranet/", "file:///etc/passwd", "nonsense",
    ],
)  # fmt: skip
def test_a_url_is_checked_at_each_post(network: Network, url: str) -> None:
    async def scenario() -> None:
        async with GuardedClient(lookup=network.lookup) as client:
            with pytest.raises(ForbiddenTargetError, match=r"^the URL "):
                await send_post(client, url)
        assert network.dialed == network.looked_up == []

    run_scenario(scenario)


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/",
        "https://127.1/",
        "https://1.1.1.1@10.0.0.1/",
        "https://1.1.1.1:443/",
        "https://1.1.1.1\\@10.0.0.1/",
    ],
)
def test_the_connection_itself_refuses_a_private_address(
    network: Network, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    async def scenario() -> None:
        async with GuardedClient(lookup=network.lookup) as client:
            with pytest.raises(ForbiddenTargetError):
                await send_post(client, url)
        assert network.dialed == []

    monkeypatch.setattr(destination, "check_url", lambda url: url)
    _target.cache_clear()
    run_scenario(scenario)
    _target.cache_clear()


@pytest.mark.parametrize(
    "url", ["https://1.1.1.1@hooks.example.com/", "https://1.1.1.1:443/", "https://1.1.1.1\\@x/", "https://[1.1.1.1/"]
)
def test_a_url_that_the_library_parses_differently_is_refused(
    network: Network, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    async def scenario() -> None:
        async with GuardedClient(lookup=network.lookup) as client:
            with pytest.raises(ForbiddenTargetError, match=r"^the URL is not valid$"):
                await send_post(client, url)
        assert network.dialed == network.looked_up == []

    monkeypatch.setattr(destination, "check_url", lambda url: url)
    _target.cache_clear()
    run_scenario(scenario)
    _target.cache_clear()


def test_a_public_address_needs_no_name_server(network: Network) -> None:
    async def scenario() -> None:
        async with (
            Server([send_response()], greeting=b"no TLS here") as server,
            GuardedClient(lookup=network.lookup) as client,
        ):
            network.port = server.port
            with pytest.raises(ConnectionFailedError):
                await send_post(client, f"https://{PUBLIC}:8443/")
        assert network.dialed == [(PUBLIC, 8443)]
        assert network.looked_up == []

    run_scenario(scenario)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(network: Network, authority: Authority, status: str) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC]]
        redirect = send_response(b"", status, "Location: https://169.254.169.254/latest/meta-data/")
        async with (
            serve_hooks(network, authority, redirect) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            got = await send_post(client)
            assert (got.status, got.headers["location"]) == (
                int(status[:3]),
                "https://169.254.169.254/latest/meta-data/",
            )
            assert len(server.requests) == 1
        assert network.dialed == [(PUBLIC, 443)]

    run_scenario(scenario)


def test_proxies_of_the_environment_are_not_used(
    network: Network, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{OTHER}:3128")

    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC]]
        async with (
            serve_hooks(network, authority) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            await send_post(client)
        assert network.dialed == [(PUBLIC, 443)]

    run_scenario(scenario)


def test_the_next_address_is_tried_if_one_does_not_respond(
    network: Network, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = asyncio.SelectorEventLoop.sock_connect

    async def some(loop: asyncio.SelectorEventLoop, sock: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == OTHER:
            network.dialed.append(address)
            raise ConnectionRefusedError(111, "refused")
        await connect(loop, sock, address)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", some)

    async def scenario() -> None:
        network.names["hooks.example.com"] = [[OTHER, PUBLIC]]
        async with (
            serve_hooks(network, authority) as server,
            GuardedClient(lookup=network.lookup, ssl=authority.trusting) as client,
        ):
            network.port = server.port
            assert (await send_post(client)).status == 200
        assert network.dialed == [(OTHER, 443), (PUBLIC, 443)]

    run_scenario(scenario)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"host": "internal"}, "the header 'host' may not be set"),
        ({"Transfer-Encoding": "chunked"}, "the header 'Transfer-Encoding' may not be set"),
        ({"content-length": "0"}, "the header 'content-length' may not be set"),
        ({"Connection": "upgrade"}, "the header 'Connection' may not be set"),
        ({"a b": "1"}, "the header 'a b' may not be set"),
        ({"a\r\nb": "1"}, r"the header 'a\\r\\nb' may not be set"),
        ({"": "1"}, "the header '' may not be set"),
        ({"x": "a\r\nHost: b"}, "the header x has a value that is not printable ASCII"),
        ({"x": "a\x00"}, "the header x has a value that is not printable ASCII"),
        ({"x": "é"}, "the header x has a value that is not printable ASCII"),
    ],
)
def test_a_header_that_could_inject_a_request_is_refused(
    network: Network, headers: dict[str, str], reason: str
) -> None:
    async def scenario() -> None:
        async with GuardedClient(lookup=network.lookup) as client:
            with pytest.raises(ForbiddenTargetError, match=f"^{reason}$"):
                await client.post(HOOK, headers, b"", 1)
        assert network.looked_up == []

    run_scenario(scenario)


def test_a_name_is_looked_up_as_fully_qualified(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (PUBLIC, 0)), (socket.AF_INET6, 1, 6, "", ("2606:4700::1", 0, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert resolver.look_up_host("hooks.example.com") == [PUBLIC, "2606:4700::1"]
    assert asked == ["hooks.example.com."]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "the host has no address"),
        (socket.gaierror(socket.EAI_AGAIN, "10.0.0.2 is away"), "the host could not be looked up"),
        (None, "the host has no address"),
    ],
)
def test_a_name_without_an_address_is_a_failed_connection(network: Network, error: OSError | None, reason: str) -> None:
    def lookup(_: str) -> list[str]:
        if error:
            raise error
        return []

    async def scenario() -> None:
        async with GuardedClient(lookup=lookup) as client:
            with pytest.raises(ConnectionFailedError, match=f"^{reason}$"):
                await send_post(client)

    run_scenario(scenario)


@pytest.mark.usefixtures("local")
def test_only_the_local_stacks_names_lead_to_this_machine() -> None:
    async def scenario() -> None:
        looked_up: list[str] = []

        def lookup(host: str) -> list[str]:
            looked_up.append(host)
            return ["127.0.0.1"]

        async with Server([send_response()]) as server, GuardedClient(lookup=lookup) as client:
            for host in ("localhost", "127.0.0.1"):
                assert (await send_post(client, f"http://{host}:{server.port}/")).status == 200
            assert looked_up == []
            with pytest.raises(ForbiddenTargetError):
                await send_post(client, f"https://hooks.example.com:{server.port}/")
            assert server.connections == 2

    run_scenario(scenario)


@pytest.mark.usefixtures("local")
def test_local_permissions_are_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Server([send_response()]) as server, GuardedClient() as client:
            await send_post(client, server.url)
            monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "deliveries")
            with pytest.raises(ForbiddenTargetError):
                await send_post(client, server.url)
            assert len(server.requests) == 1

    run_scenario(scenario)


@pytest.mark.parametrize(
    ("name", "options", "trusted", "reason"),
    [
        ("hooks.example.com", {"own": True}, True, "the certificate is not valid: self-signed certificate"),
        ("hooks.example.com", {}, False, "the certificate is not valid: unable to get local issuer certificate"),
        ("hooks.example.com", {"days": -1}, True, "the certificate is not valid: certificate has expired"),
        ("other.example.com", {}, True, "the certificate is not valid: Hostname mismatch"),
    ],
)
def test_an_invalid_certificate_is_refused(
    network: Network, authority: Authority, name: str, options: dict[str, bool], trusted: bool, reason: str
) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC]]
        ssl = authority.trusting if trusted else None
        async with (
            Server([send_response()], tls=authority.server(name, **options)) as server,  # type: ignore[arg-type]
            GuardedClient(lookup=network.lookup, ssl=ssl) as client,
        ):
            network.port = server.port
            with pytest.raises(ConnectionFailedError, match=f"^{reason}"):
                await send_post(client)
            assert server.requests == []

    run_scenario(scenario)


def test_a_server_without_tls_gets_no_request(network: Network) -> None:
    async def scenario() -> None:
        network.names["hooks.example.com"] = [[PUBLIC]]
        async with (
            Server([send_response()], greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server,
            GuardedClient(lookup=network.lookup) as client,
        ):
            network.port = server.port
            with pytest.raises(ConnectionFailedError, match=r"^the TLS handshake failed$"):
                await send_post(client)
            assert server.requests == []

    run_scenario(scenario)
