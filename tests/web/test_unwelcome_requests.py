"""Each kind of unwelcome request gets its status, on a connection that ends; whoever asks as he should is served on."""

from __future__ import annotations

import pytest

from .conftest import ask, get, serving, status_of

HEAD = b"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n"
SITE = "Sec-Fetch-Site: "

HEADERS = {
    "another site's origin": (403, ["Origin: http://evil.example"]),
    "origin without a name (sandboxed frame, file://)": (403, ["Origin: null"]),
    "the same host, another port": (403, ["Origin: http://127.0.0.1:1"]),
    "an origin that only begins like ours": (403, ["Origin: http://127.0.0.1.evil.example"]),
    "an origin of another scheme": (403, ["Origin: ftp://127.0.0.1"]),
    "two origins": (400, ["Origin: http://127.0.0.1", "Origin: http://evil.example"]),
    "an image on another site's page": (403, [SITE + "cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]),
    "a frame on another site's page": (
        403,
        [SITE + "cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"],
    ),
    "a page of another port of this machine": (403, [SITE + "same-site", "Sec-Fetch-Mode: cors"]),
    "a body": (413, ["Content-Length: 5"]),
    "a body in chunks": (400, ["Transfer-Encoding: chunked"]),
    "a body of two kinds": (400, ["Content-Length: 5", "Transfer-Encoding: chunked"]),
    "two lengths": (400, ["Content-Length: 0", "Content-Length: 5"]),
    "a length that is none": (400, ["Content-Length: -1"]),
    "waiting for leave to send a body": (417, ["Expect: 100-continue"]),
    "a second host": (400, ["Host: evil.example"]),
    "a header that is continued": (400, ["X-A: b", " c"]),
    "a blank before the colon": (400, ["X-A : b"]),
    "a header without a colon": (400, ["nothing"]),
    "a control character in a header": (400, ["X-A: b\x01c"]),
    "a zero in a header": (400, ["X-A: b\0c"]),
    "too many headers": (431, [f"X-{k}: 1" for k in range(80)]),
    "headers that are too long": (431, ["X-A: " + "a" * 20_000]),
}
HOSTS = {
    "another name (DNS rebinding)": (421, "evil.example"),
    "another name with our port": (421, "evil.example:{port}"),
    "a name that begins like ours": (421, "localhost.evil.example"),
    "an address that is not ours": (421, "192.0.2.1"),
    "our name behind a login": (400, "localhost@evil.example"),
    "no name": (400, ""),
    "a list of names": (400, "localhost, evil.example"),
}
PATHS = {
    "up": (400, "/named/../run.json"),
    "up, encoded": (400, "/named/%2e%2e/run.json"),
    "up, half encoded": (400, "/named/.%2e"),
    "a slash in a name": (400, "/named/..%2frun.json"),
    "a backslash": (400, "/named/..%5crun.json"),
    "an empty name": (400, "/named//etc/passwd"),
    "here": (400, "/./"),
    "a zero byte": (400, "/named/a%00.png"),
    "a line break": (400, "/named/a%0d%0aSet-Cookie:b"),
    "bytes that are no text": (400, "/named/%ff%fe"),
    "half an escape": (400, "/named/%2"),
    "an escape that is none": (400, "/named/%zz"),
    "a fragment": (400, "/#a"),
    "an address with its host": (400, "http://127.0.0.1/"),
    "an address of a proxy": (400, "http://evil.example/"),
    "no slash": (400, "named"),
    "a name that there is not": (404, "/etc"),
    "an address that is too long": (414, "/" + "a" * 5000),
    "a query of many fields": (400, "/?" + "&".join(f"a{k}=1" for k in range(50))),
    "a field twice": (400, "/number?n=1&n=2"),
    "no number": (400, "/number?n=one"),
    "a number below none": (400, "/number?n=-1"),
    "a number that is too large": (400, "/number?n=101"),
    "a number of a thousand digits": (400, "/number?n=" + "9" * 1000),
    "digits of another script": (400, "/number?n=%D9%A3"),
    "a number that is missing": (400, "/number"),
}
BYTES = {
    "a greeting of TLS": (400, bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])),
    "random bytes": (400, bytes(range(128, 256)) * 4),
    "only a line break": (400, b"\r\n\r\n"),
    "HTTP/0.9": (400, b"GET /\r\n\r\n"),
    "HTTP of no version": (400, b"GET / HTTP/x.1\r\n\r\n"),
    "line ends of another kind": (400, b"GET / HTTP/1.1\nHost: localhost\n\n"),
    "a zero byte in the first line": (400, b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "two blanks": (400, b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "no host in HTTP/1.0": (400, b"GET / HTTP/1.0\r\n\r\n"),
    "a method in small letters": (400, b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a head that does not end": (431, b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 4000),
    "a head that stops": (408, HEAD),
    "a second request that is junk": (400, HEAD + b"\r\n" + b"\x00\x01"),
}
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")


def still_serves(server):
    answer = get(server)
    assert (status_of(answer), answer.endswith(b"the page")) == (200, True)


@pytest.mark.parametrize("kind", HEADERS)
def test_unwelcome_headers(server, kind):
    status, headers = HEADERS[kind]
    assert status_of(get(server, "/", *headers)) == status
    still_serves(server)


@pytest.mark.parametrize("kind", HOSTS)
def test_unwelcome_hosts(server, kind):
    status, host = HOSTS[kind]
    assert status_of(get(server, host=host)) == status
    still_serves(server)


@pytest.mark.parametrize("kind", PATHS)
def test_unwelcome_addresses(server, kind):
    status, path = PATHS[kind]
    answer = get(server, path)
    assert status_of(answer) == status
    assert b"Set-Cookie" not in answer
    still_serves(server)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BYTES)
def test_unwelcome_bytes(server, kind):
    status, data = BYTES[kind]
    answer = ask(server, data)
    assert status_of(answer[answer.rindex(b"HTTP/1.1 4") :]) == status
    assert b"Connection: close" in answer
    still_serves(server)


@pytest.mark.parametrize("line", [b"PRI * HTTP/2.0", b"GET / HTTP/2.0", b"GET / HTTP/1.2", b"GET / HTTP/0.9"])
def test_other_versions_of_http_are_refused(server, line):
    assert status_of(ask(server, line + b"\r\n\r\n")) == 505
    still_serves(server)


@pytest.mark.parametrize("method", METHODS)
def test_methods_that_change_something_are_refused(server, method):
    answer = get(server, method=method)
    assert status_of(answer) == 405
    assert b"Allow: GET, HEAD\r\n" in answer
    still_serves(server)


def test_a_refusal_is_one_sentence_that_repeats_nothing_of_the_request(server):
    answer = get(server, "/<script>alert(1)</script>/", host="<script>")
    assert b"script" not in answer.partition(b"\r\n\r\n")[2]
    assert b"Content-Type: text/plain" in answer


def test_a_file_that_is_being_written_is_told_as_such_and_a_bug_tells_nothing(server):
    assert b"a file is being written" in get(server, "/later")
    assert status_of(get(server, "/later")) == 503
    answer = get(server, "/bug")
    assert status_of(answer) == 500
    assert b"ZeroDivision" not in answer
    still_serves(server)


def test_a_token_is_asked_for_everywhere():
    with serving(token="open sesame") as server:
        for path in ("/", "/?token=", "/?token=wrong", "/number?n=1&token=open+sesame", "/named?token=open%20sesame"):
            assert status_of(get(server, path)) == 401, path
        for cookie in ("da3_view_1=a", f"da3_view_{server.port}=open sesame", f"da3_view_{server.port}=", "=", ";;"):
            assert status_of(get(server, "/", f"Cookie: {cookie}")) == 401, cookie
        assert status_of(get(server, "/", "Authorization: Bearer open sesame")) == 401
