"""TLS 1.3, and who is known by a certificate."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest

from bridge.errors import InvalidOptionError
from bridge.serve.grpc.messages import SERVICE, message_class
from bridge.serve.grpc.tls_version import refuse_older
from bridge.serve.http.transport_security import server_context
from bridge.serve.settings import ClientSettings, HttpLimits, TlsSettings
from tests.serve.asking import ask, raw, read_all
from tests.serve.certificates import Authority, Pair
from tests.serve.running import LENET, models_for, running


def context_for(authority: Authority, pair: Pair | None = None, most: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.root))
    if most is not None:
        context.maximum_version = most
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def status(port: int, context: ssl.SSLContext, path: str = "/v2") -> tuple[int, str]:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
    try:
        connection.request("GET", path)
        version = connection.sock.version()
        return connection.getresponse().status, str(version)
    finally:
        connection.close()


def test_tls_is_1_3_or_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    with running(models_for(LENET), tls=TlsSettings(pair.certificate, pair.key)) as server:
        assert status(server.http, context_for(authority)) == (200, "TLSv1.3")
        with pytest.raises(ssl.SSLError):
            status(server.http, context_for(authority, most=ssl.TLSVersion.TLSv1_2))
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            ask(server.http, "GET", "/v2")


def test_a_certificate_is_an_identity(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    authority, strangers = Authority(tmp_path), Authority(elsewhere)
    pair, one, two = (authority.issue(name) for name in ("server", "one.example", "two.example"))
    tls = TlsSettings(pair.certificate, pair.key, authority.root)
    with running(models_for(LENET), tls=tls, clients=(ClientSettings("one", certificate_name="one.example"),)) as server:
        assert status(server.http, context_for(authority, one))[0] == 200
        assert status(server.http, context_for(authority, two))[0] == 401
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            status(server.http, context_for(authority))
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            status(server.http, context_for(authority, strangers.issue("one.example")))
        for client, code in ((one, grpc.StatusCode.OK), (two, grpc.StatusCode.UNAUTHENTICATED)):
            assert metadata_code(server.grpc, authority, client) == code


def test_a_common_name_is_none_beside_alternative_names(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair, claimed = authority.issue("server"), authority.issue("two.example", common_name="one.example")
    tls = TlsSettings(pair.certificate, pair.key, authority.root)
    with running(models_for(LENET), tls=tls, clients=(ClientSettings("one", certificate_name="one.example"),)) as server:
        assert status(server.http, context_for(authority, claimed))[0] == 401
        assert metadata_code(server.grpc, authority, claimed) == grpc.StatusCode.UNAUTHENTICATED


def test_handshakes_that_are_never_begun_are_bounded_and_end(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    limits = HttpLimits(connections=4, header_seconds=1.0)
    with running(models_for(LENET), tls=TlsSettings(pair.certificate, pair.key), limits=limits) as server, ExitStack() as stack:
        for port in (server.http, server.grpc):
            for connection in [stack.enter_context(raw(port)) for _ in range(4)]:
                connection.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
            with raw(port) as beyond:
                assert read_all(beyond) == b""
        time.sleep(1.5)
        assert status(server.http, context_for(authority))[0] == 200


def test_grpc_takes_no_older_tls_either(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    with running(models_for(LENET), tls=TlsSettings(pair.certificate, pair.key)) as server:
        older, newer = context_for(authority, most=ssl.TLSVersion.TLSv1_2), context_for(authority)
        newer.set_alpn_protocols(["h2"])
        assert handshake(server.grpc, newer) == "TLSv1.3"
        with pytest.raises(OSError, match=r"SSL|EOF|reset"):
            handshake(server.grpc, older)


def test_a_port_that_speaks_older_tls_is_noticed(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        accepted = pool.submit(lambda: context.wrap_socket(listener.accept()[0], server_side=True).close())
        with pytest.raises(InvalidOptionError, match=r"TLS 1\.2"):
            refuse_older("127.0.0.1", listener.getsockname()[1])
        accepted.result()


def handshake(port: int, context: ssl.SSLContext) -> str:
    with raw(port) as connection, context.wrap_socket(connection, server_hostname="127.0.0.1") as secured:
        return str(secured.version())


def metadata_code(port: int, authority: Authority, client: Pair) -> grpc.StatusCode:
    credentials = grpc.ssl_channel_credentials(
        authority.root.read_bytes(), client.key.read_bytes(), client.certificate.read_bytes()
    )
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        call = channel.unary_unary(f"/{SERVICE}/ServerMetadata", message_class("ServerMetadataRequest").SerializeToString)
        try:
            call(message_class("ServerMetadataRequest")(), timeout=10)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("no")
    for name in ("no.pem", "missing"):
        with pytest.raises(InvalidOptionError, match="TLS"):
            server_context(TlsSettings(tmp_path / name, tmp_path / name))
