"""What a browser does is served as it should: HEAD, connections that stay, requests that do not wait, cookies."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

import pytest

from da3_stream.errors import WebError
from da3_stream.web import Answer, Server, guard_for
from da3_stream.web.answers import takes_gzip
from da3_stream.web.binding import outward_address
from da3_stream.web.guard import link

from .conftest import ROUTES, ask, connected, get, said, serving, status_of

PLAIN = b"GET /number?n=%d HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"


def header(answer, name):
    found = re.search(rb"\r\n" + name.encode() + rb": ([^\r]*)", answer)
    return None if found is None else found[1].decode()


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:{port}", "LOCALHOST:{port}", "[::1]:1234", "localhost:9000"])
def test_names_of_this_machine_are_served_at_any_port_of_a_tunnel(server, host):
    assert status_of(get(server, "/", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin", host=host)) == 200


def test_head_has_the_headers_of_get_and_no_body(server):
    full, head = get(server), get(server, method="HEAD")
    assert full == head + b"the page"
    assert header(head, "Content-Length") == "8"


def test_everything_has_the_headers_that_protect_it(server):
    for answer in (get(server), get(server, "/nothing"), get(server, host="evil.example"), ask(server, b"\0")):
        policy = header(answer, "Content-Security-Policy")
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert header(answer, "X-Content-Type-Options") == "nosniff"
        assert header(answer, "Referrer-Policy") == "no-referrer"
        assert header(answer, "Cross-Origin-Resource-Policy") == "same-origin"
        assert header(answer, "Cache-Control") == "no-store"
        assert header(answer, "Access-Control-Allow-Origin") is None
        assert header(answer, "Server") is None


def test_requests_that_do_not_wait_for_answers_are_answered_in_their_order(server):
    port = str(server.port).encode()
    requests = b"".join(PLAIN % k for k in range(20)).replace(b"{port}", port)
    with connected(server) as client:
        client.sendall(requests + b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = said(client)
    bodies = re.findall(rb"\r\n\r\n(\d+)(?=HTTP)", answers)
    assert bodies == [str(k).encode() for k in range(20)]
    assert answers.endswith(b"the page")


def test_a_connection_of_http_1_0_ends_with_its_answer(server):
    answer = ask(server, b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert status_of(answer) == 200
    assert answer.endswith(b"the page")


def test_a_request_may_come_in_pieces(server):
    with connected(server) as client:
        for piece in (b"GE", b"T / HTTP/1.1\r", b"\nHost: loc", b"alhost\r\nConnection: close\r\n\r", b"\n"):
            client.sendall(piece)
        assert status_of(said(client)) == 200


def test_a_name_is_decoded_once(server):
    assert get(server, "/named/a%20b/%C3%A9/%252e").endswith(b'["named","a b","\\u00e9","%2e"]')


def test_a_link_with_the_token_becomes_a_cookie_and_never_stays_in_the_address(caplog):
    caplog.set_level("DEBUG", logger="da3_stream")
    with serving(token="s/e+c r&t") as server:
        path = server.link.removeprefix(f"http://127.0.0.1:{server.port}")
        answer = get(server, path)
        assert (status_of(answer), header(answer, "Location")) == (303, "/")
        cookie, *attributes = header(answer, "Set-Cookie").split("; ")
        assert attributes == ["HttpOnly", "SameSite=Strict", "Path=/"]
        assert cookie.startswith(f"da3_view_{server.port}=")
        assert "c r&t" not in cookie
        assert status_of(get(server, "/", f"Cookie: other=1; {cookie}; more=2")) == 200
        assert status_of(get(server, "/number?n=3", f"Cookie: {cookie}")) == 200
        assert status_of(get(server, "/", f"Cookie: {cookie}", "Origin: http://evil.example")) == 403
    assert "GET /: 303" in caplog.text
    assert "c r&t" not in caplog.text
    assert "c+r" not in caplog.text
    assert cookie not in caplog.text


def test_a_link_in_a_mail_opens_the_page_though_its_cookie_does_not_come_at_first():
    link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    with serving(token="secret") as server:
        cookie = header(get(server, "/?token=secret", *link), "Set-Cookie").partition(";")[0]
        once_more = get(server, "/", *link)
        assert (status_of(once_more), b'content="0;url=/"' in once_more) == (200, True)
        assert b"the page" not in once_more
        own = ["Sec-Fetch-Site: same-origin", *link[1:]]
        assert get(server, "/", f"Cookie: {cookie}", *own).endswith(b"the page")
        assert status_of(get(server, "/", *own)) == 401  # no circle where cookies are off


def test_two_servers_on_one_host_have_cookies_of_their_own():
    with serving(token="one") as first, serving(token="two") as second:
        cookies = [
            header(get(s, f"/?token={t}"), "Set-Cookie").partition(";")[0] for s, t in ((first, "one"), (second, "two"))
        ]
        both = f"Cookie: {'; '.join(cookies)}"
        assert [status_of(get(server, "/", both)) for server in (first, second)] == [200, 200]
        assert status_of(get(second, "/", f"Cookie: {cookies[0]}")) == 401


def test_where_others_can_reach_it_a_token_is_made_up_and_any_numeric_host_is_ours():
    local, open_one, again = (
        guard_for("localhost", 1, "127.0.0.1"),
        guard_for("0.0.0.0", 1, "0.0.0.0"),
        guard_for("::", 1, "::"),
    )
    assert local.token is None
    assert len(open_one.token) >= 32
    assert open_one.token != again.token
    assert open_one.any_address
    assert not local.any_address
    assert guard_for("0.0.0.0", 1, "0.0.0.0", "given").token == "given"


@pytest.mark.parametrize("token", ["", "a\nb", "a\\b", "\udcff", "a" * 300, "\x7f"], ids=ascii)
def test_a_token_that_no_link_can_hold_is_refused(token):
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(WebError, match="a token has 1 to 256 printable characters"):
            guard_for(host, 1, host, token)


@pytest.mark.parametrize("token", ["a", "ключ", "a" * 256, "%2F&=#?+ ;\"'<b>"])
def test_any_other_token_opens_the_page_by_its_link(token):
    with serving(token=token) as server:
        answer = get(server, server.link.removeprefix(f"http://127.0.0.1:{server.port}"))
        cookie = header(answer, "Set-Cookie").partition(";")[0]
        assert status_of(get(server, "/", f"Cookie: {cookie}")) == 200
        assert status_of(get(server, "/?token=b")) == 401


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_told_in_one_sentence(port):
    with pytest.raises(WebError, match=f"port {port}: ports are 0"):
        Server(ROUTES, "127.0.0.1", port)


def test_a_port_that_is_taken_and_a_host_that_is_none_are_told_in_one_sentence(server):
    with pytest.raises(
        WebError, match=rf"cannot listen on 127.0.0.1, port {server.port}: .*in use; give another --port"
    ):
        Server(ROUTES, port=server.port)
    with pytest.raises(WebError, match=r"'no.such.host.invalid' is no address of this machine"):
        Server(ROUTES, host="no.such.host.invalid")
    with pytest.raises(WebError, match=r"cannot listen on 192\.0\.2\.1, port 0"):
        Server(ROUTES, host="192.0.2.1")


def test_the_link_of_a_server_for_everybody_is_one_that_others_can_open():
    assert link(guard_for("::", 80, "::", "a b/c"), "::1", 80) == "http://[::1]:80/?token=a%20b%2Fc"
    for version in (4, 6):
        told = outward_address(version)
        assert told == socket.gethostname() or ip_address(told).version == version


def test_ipv6_is_served_where_the_machine_has_it():
    try:
        opened = Server(ROUTES, host="::1")
    except WebError:
        pytest.skip("no IPv6 on this machine")
    with opened as server:
        assert server.link == f"http://[::1]:{server.port}/"
        assert server.guard.token is None


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("*;q=0, gzip", True), ("gzip; q=0.001", True),
     ("", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.000, *", False), ("xgzip, br", False)],
)  # fmt: skip
def test_only_a_client_that_takes_gzip_gets_it(accepted, taken):
    assert takes_gzip(accepted) is taken
    answer = Answer.of_json(["much the same"] * 100)
    sent = answer.for_client(accepted)
    assert (sent.headers.get("Content-Encoding") == "gzip") is taken
    assert sent.length == len(sent.body) and (sent.length < answer.length) is taken
    assert Answer.of_json(["short"]).for_client(accepted).body == b'["short"]'
    assert Answer.of_bytes(bytes(2000)).for_client(accepted).body == bytes(2000)
