"""URLs that a customer may register, and all the ways to write a misleading one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.errors import Invalid
from switchboard.outbound import client, destination
from tests.tables import each
from tests.unit.properties import example_settings


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment, where this machine is not a destination."""
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    monkeypatch.delenv("SWITCHBOARD_OUTBOUND_LOOPBACK", raising=False)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local stack."""
    monkeypatch.setenv("SWITCHBOARD_STAGE", "local")
    monkeypatch.setenv("SWITCHBOARD_OUTBOUND_LOOPBACK", "on")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)


def refusal_reason(url: str) -> str:
    with pytest.raises(Invalid) as refusal:
        destination.check_url(url)
    assert refusal.value.code == "invalid_url"
    reason: str = refusal.value.details["fields"]["url"]
    return reason


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM/Hook", "https://example.com/Hook"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:8443/a?b=c", "https://example.com:8443/a?b=c"),
        ("https://example.com./a", "https://example.com/a"),
        ("https://example.com?x=1", "https://example.com/?x=1"),
        ("https://example.com/a#part", "https://example.com/a"),
        ("https://example.com#part", "https://example.com/"),
        ("https://example.com/a%20b/%2e%2e/c;d=1?e=/?f", "https://example.com/a%20b/%2e%2e/c;d=1?e=/?f"),
        ("https://example.com/ümlaut?q=é", "https://example.com/%C3%BCmlaut?q=%C3%A9"),
        ('https://example.com/<"{|}^`[]>', "https://example.com/%3C%22%7B%7C%7D%5E%60%5B%5D%3E"),
        ("https://example.com/@x:y", "https://example.com/@x:y"),
        ("https://hook_1.example.com/", "https://hook_1.example.com/"),
        ("https://r3---sn.example.com/", "https://r3---sn.example.com/"),
        ("https://bücher.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://BÜCHER.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://bu\u0308cher.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://1.1.1.1/hook", "https://1.1.1.1/hook"),
        ("https://[2606:4700:4700:0:0::1111]:444/", "https://[2606:4700:4700::1111]:444/"),
        ("https://internal.example.com/", "https://internal.example.com/"),
        ("https://127.0.0.1.nip.io/", "https://127.0.0.1.nip.io/"),
    ],
)
def test_a_url_is_normalized_to_one_form(url: str, used: str) -> None:
    assert destination.check_url(url) == used
    assert destination.check_url(used) == used


@each(
    "host",
    [
        # This machine and its network, in each form that some parser understands.
        "127.0.0.1", "127.0.0.2", "127.255.255.255", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "169.254.170.2", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "127.0.0.1.", "127.1", "127.0.1", "0", "1", "2130706433", "017700000001", "0177.0.0.1", "0177.0.0.01",
        "127.0.0.01",
        "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0x7f.0x0.0x0.0x1", "0x", "127.0.0.0x1", "4294967295", "4294967296",
        "127.0.0.1.1", "256.1.1.1", "1.1.1.256", "1.1.1", "1.1.1.1.1", "example.0x7f", "example.1", "08.8.8.8",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:1.1.1.1]", "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[fd00:ec2::254]",
        "[fe80::1]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[2606:4700:4700::1111%25lo]", "[fec0::1]", "[ff02::1]",
        "[5f00::1]",
        "[2001:db8::1]", "[3fff::1]", "[v1.fe80::a]", "[127.0.0.1]", "[1.1.1.1]", "[example.com]", "[]", "[::1",
        "::1]", "::1",
        "2606:4700:4700::1111", "[::1]x", "x[::1]",
        # Names that do not identify one public host.
        "localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "metadata",
        "metadata.google.internal",
        "metadata.google.internal.", "metadata.goog", "metadata.tencentyun.com", "instance-data",
        "instance-data.ec2.internal",
        "ip-10-0-0-1.ec2.internal", "printer.local", "router.home.arpa", "1.0.0.127.in-addr.arpa", "nas.lan",
        "git.corp",
        "db.private", "wiki.intranet", "x.home", "x.mail", "x.onion", "x.alt", "intranet", "com",
        "kubernetes.default.svc.cluster.local",
        # Encodings.
        "%31%32%37.0.0.1", "127%2e0.0.1", "example%2ecom", "local%68ost", "example.com%00", "%65xample.com",
        "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "127\uff0e0.0.1", "127\uff610.0.1",
        "\u2460.example.com", "\u2460\u2461\u2466.0.0.1",
        "\uff4cocalhost", "example\u3002com", "\u0661\u0662\u0667.0.0.1", "example\u2024com", "ex\u00adample.com",
        "ex\u200bample.com", "ex\u200dample.com",
        "\u202eexample.com", "exa\ufeffmple.com", "\u2100.example.com", "example.com\ud800", "xn--a.com", "xn--.com",
        "xn--zz--99.com",
        # Strings that are not names.
        "", ".", "..", ".example.com", "example..com", "example.com..", "-a.example.com", "a-.example.com",
        "exa mple.com", "exa\tmple.com",
        "*.example.com", "exa$mple.com", "exa,mple.com", "a=b.example.com", "(example.com)", "exa'mple.com",
        "é..com", "\u0300a.com",
        f"{'a' * 64}.example.com", f"{'a.' * 127}example.com", f"{'é' * 63}.example.com",
    ],
)  # fmt: skip
@each("rest", ["/", ":8443/hook?a=b"])
def test_a_host_that_is_not_public_is_refused(host: str, rest: str) -> None:
    refusal_reason(f"https://{host}{rest}")


@each(
    "url",
    [
        "", "https", "https:", "https://", "https:///", "https:///x", "https:/example.com", "https:example.com",
        "example.com",
        "//example.com/", "/hook", "https//example.com", "://example.com",
        "http://example.com/", "HTTP://example.com/", "http://1.1.1.1/", "ftp://example.com/", "file:///etc/passwd",
        "file://example.com/",
        "gopher://example.com/", "data:text/plain,x", "javascript:alert(1)", "ws://example.com/",
        "wss://example.com/", "dict://example.com/",
        "https+unix://example.com/", "unix:///var/run/docker.sock", "tcp://example.com/", "jar:https://example.com/",
        "ldap://example.com/",
        "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/",
        "https://:@example.com/",
        "https://example.com@10.0.0.1/", "https://example.com:443@10.0.0.1/", "https://10.0.0.1@example.com/",
        "https://a@b@example.com/",
        "https://example.com%40example.org@x/", "https://\uff20example.com/",
        "https://example.com:0/", "https://example.com:/", "https://example.com:65536/", "https://example.com:99999/",
        "https://example.com:-1/", "https://example.com:+443/", "https://example.com:0443/",
        "https://example.com:443a/",
        "https://example.com:4 43/", "https://example.com:\uff14\uff14\uff13/", "https://example.com:\u0664/",
        "https://example.com:443:443/",
        "https://example.com:22/", "https://example.com:25/", "https://example.com:587/",
        "https://example.com:6000/", "https://example.com:10080/",
        " https://example.com/", "https://example.com/ ", "https://example.com/a b", "https://example.com/\t",
        "https://example.com/\n",
        "https://example.com/\r\nHost: x", "https://exam\nple.com/", "\thttps://example.com/",
        "https://example.com/\x00", "https://example.com/\x7f",
        "ht\ntps://example.com/", "https://example.com/\u00a0", "https://example.com/\u2028",
        "https://example.com/\u0085", "https://example.com/\ud800",
        "https:\\\\example.com\\", "https://example.com\\@10.0.0.1/", "https://example.com/a\\b",
        "https://10.0.0.1\\.example.com/",
        "https://10.0.0.1#.example.com/", "https://10.0.0.1?.example.com/", "https://10.0.0.1/.example.com",
        "https://10.0.0.1;example.com/",
        "https://10.0.0.1&@example.com/", "https://[10.0.0.1]@example.com/", "\ufeffhttps://example.com/",
        "\uff48ttps://example.com/",
    ],
)  # fmt: skip
def test_an_ambiguous_or_invalid_url_is_refused(url: str) -> None:
    refusal_reason(url)


def test_a_url_that_is_too_long_is_refused_before_and_after_encoding() -> None:
    longest = "https://example.com/" + "a" * (2_048 - 20)
    assert destination.check_url(longest) == longest
    assert refusal_reason(f"{longest}a") == "must have at most 2,048 characters"
    assert (
        refusal_reason("https://example.com/" + "é" * 1_000)
        == "must have at most 2,048 characters after percent-encoding"
    )


def test_a_refusal_gives_its_reason() -> None:
    assert refusal_reason("http://example.com/") == "must begin with https://"
    assert refusal_reason("https://a:b@example.com/") == "must not contain a user name or a password"
    assert (
        refusal_reason("https://10.0.0.1/")
        == refusal_reason("https://printer.local/")
        == "has a host that is not on the public internet"
    )
    assert (
        refusal_reason("https://0177.0.0.1/")
        == "has an IPv4 address that is not valid: write it as four decimal numbers"
    )
    assert refusal_reason("https://example.com:25/") == "has a port that is not for web servers (25): use another port"
    assert refusal_reason("https://example.com/a b") == "must not contain spaces, backslashes or control characters"


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [*"/?#@:[].%\\ ", "https://", "http://", "127.0.0.1", "localhost", "example.com", "[::1]", "%2e", "0x7f",
             "é", "。", "\uff11", "xn--"]
        ),
        st.characters(),
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(st.sampled_from(["", "https://", "https://example.com"]), PIECES)
@example_settings(150)
def test_an_accepted_url_is_plain_and_stable(start: str, rest: str) -> None:
    try:
        used = destination.check_url(start + rest)
    except Invalid:
        return
    assert used.isascii()
    assert used.isprintable()
    assert used.startswith("https://")
    assert destination.check_url(used) == used
    assert str(client._target(used, loopback=False)) == used  # the library parses it the same way


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("http://localhost:9000/x", "http://localhost:9000/x"),
        ("http://LocalHost.:80", "http://localhost/"),
        ("https://localhost/", "https://localhost/"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/"),
        ("http://127.9.9.9/", "http://127.9.9.9/"),
        ("http://[::1]:9000/", "http://[::1]:9000/"),
    ],
)
def test_the_local_stack_sends_to_this_machine(url: str, used: str) -> None:
    assert destination.check_url(url) == used


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "http://10.0.0.1/", "https://10.0.0.1/", "https://0.0.0.0/", "http://0/",
        "http://127.1/",
        "http://2130706433/", "https://169.254.169.254/", "http://[::ffff:127.0.0.1]/", "https://[::]/",
        "http://a.localhost/",
        "https://printer.local/", "https://intranet/", "http://1.1.1.1/", "http://user@localhost/",
        "http://localhost:25/",
        "ftp://localhost/",
    ],
)  # fmt: skip
def test_the_local_stack_sends_nowhere_else(url: str) -> None:
    refusal_reason(url)


@pytest.mark.usefixtures("local")
def test_only_the_local_stacks_names_may_mean_this_machine() -> None:
    assert destination.may_resolve_to("localhost", "127.0.0.1")
    assert destination.may_resolve_to("example.com", "1.1.1.1")
    assert not destination.may_resolve_to("localtest.example.com", "127.0.0.1")
    assert not destination.may_resolve_to("localhost", "10.0.0.1")
    assert destination.may_connect("127.0.0.1")
    assert not destination.may_connect("10.0.0.1")


@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "deliveries"),
        ("AWS_LAMBDA_FUNCTION_NAME", ""),
        ("SWITCHBOARD_STAGE", "prod"),
        ("SWITCHBOARD_STAGE", "LOCAL"),
        ("SWITCHBOARD_OUTBOUND_LOOPBACK", "off"),
        ("SWITCHBOARD_OUTBOUND_LOOPBACK", ""),
    ],
)
def test_nothing_else_ever_sends_to_this_machine(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert destination.loopback_allowed()
    monkeypatch.setenv(name, value)
    assert not destination.loopback_allowed()
    assert (
        refusal_reason("http://127.0.0.1/")
        == refusal_reason("https://localhost/")
        == "has a host that is not on the public internet"
    )
    assert not destination.may_resolve_to("localhost", "127.0.0.1")
    assert not destination.may_connect("127.0.0.1")


def test_a_check_loads_no_client(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from switchboard.outbound import destination; destination.check_url('https://example.com/');"
        "print('aiohttp' in sys.modules, 'idna' in sys.modules)"
    )
    monkeypatch.setenv("PYTHONPATH", "layers")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
