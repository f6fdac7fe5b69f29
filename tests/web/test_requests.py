"""Whatever the bytes are, they are a request whose names are plain, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.web import Answer, Limits, RefusedError, Request, guard_for
from da3_stream.web.rates import Rates
from da3_stream.web.requests import parse_request

PIECES = [
    b"GET ", b"HEAD ", b"/", b"..", b"%2e", b"%2f", b"%00", b"%", b"?", b"=", b"&", b"a", b"\xff", b" ", b"\r\n", b"\n",
    b" HTTP/1.1", b"Host: localhost", b"Host:", b"Origin: null", b"Content-Length: 0", b"Cookie: a=b;;=", b":",
    b"Sec-Fetch-Site: none", b"token=", b"\x00", b"[::1]:1", b"@", b"\t",
]  # fmt: skip
HEADS = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
TARGETS = st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)


def parsed(head):
    """The request, or None where it is refused; no other exception is raised."""
    try:
        return parse_request(head, Limits())
    except RefusedError as refused:
        assert 400 <= refused.status <= 505
        assert Answer.refusal(refused).head(keep_alive=False).isascii()
        return None


def is_plain(request):
    segments = request.segments
    return bool(segments) and all(
        not set("/\\\0\r\n") & set(segment) and segment not in (".", "..") and (segment or len(segments) == 1)
        for segment in segments
    )


@given(HEADS)
def test_any_bytes_are_a_plain_request_or_refused(head):
    request = parsed(head)
    assert request is None or is_plain(request)


@given(TARGETS)
def test_any_address_is_plain_or_refused_and_passes_the_guard_or_is_refused(target):
    request = parsed(b"GET /" + target + b" HTTP/1.1\r\nHost: localhost")
    if request is None:
        return
    assert is_plain(request)
    for guard in (guard_for("127.0.0.1", 1, "127.0.0.1"), guard_for("127.0.0.1", 1, "127.0.0.1", "token")):
        try:
            assert guard.check(request) is None
            assert guard.token is None
        except RefusedError as refused:
            assert refused.status == 401


@pytest.mark.slow
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_origin_and_host_are_ours_or_refused(origin, host):
    request = Request("GET", ("",), {}, {"host": host, "origin": origin}, True)
    with pytest.raises(RefusedError):
        guard_for("127.0.0.1", 1, "127.0.0.1").check(request)


def test_addresses_that_were_heard_long_ago_are_forgotten():
    rates = Rates(Limits(burst=2, requests_per_s=0.001))
    assert [rates.admits("first") for _ in range(3)] == [True, True, False]
    for k in range(5000):
        rates.admits(str(k))
    assert len(rates._buckets) <= 4096
    assert rates.admits("first")
