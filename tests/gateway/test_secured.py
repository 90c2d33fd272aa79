"""The gateway as a network sees it: certificates and their renewal, warnings without, what a phone has to read."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import json
import re
import signal
import socket
import ssl
from pathlib import Path

import pytest
from broker import free_ports
from commands import run
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from embedded import wait_for
from served import Served, serving

from service.lan import enrolment_link, owntracks_link, qr


def certificate(folder: Path, name: str, password: bytes | None = None) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, hidden))
    return paths


def shown(address: str) -> str:
    """Whose certificate a server shows."""
    host, _, port = address.rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def test_a_certificate_is_shown_and_read_again_when_asked_and_never_taken_for_a_wrong_one(tmp_path: Path) -> None:
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(first[0].read_bytes())
    key.write_bytes(first[1].read_bytes())
    words = ("--tls-cert", str(cert), "--tls-key", str(key))
    with serving(tmp_path / "g", *words, authority=cert) as gateway:
        assert gateway.process
        assert f"listening at https://{gateway.address}" in gateway.said()
        assert shown(gateway.address) == "CN=first"
        plain = socket.create_connection(("127.0.0.1", int(gateway.address.rpartition(":")[2])), 10)
        plain.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP/1.1 200")
        plain.close()
        cert.write_bytes(second[0].read_bytes())
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the certificate stays as it was" in gateway.said(), 10)
        assert "the key is another certificate's" in gateway.said()
        assert shown(gateway.address) == "CN=first"
        key.write_bytes(second[1].read_bytes())
        gateway.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the certificate was read again" in gateway.said(), 10)
        assert shown(gateway.address) == "CN=second"
        assert gateway.ask("GET", "/health/live").status_code == 200


def refused(tmp_path: Path, *words: str | Path) -> str:
    """What a gateway says that does not start."""
    catalog = f"sqlite:{tmp_path / 'catalog.db'}"
    assert run("catalog", "upgrade", "--catalog", catalog).status == 0
    where = ("--log", f"sqlite:{tmp_path / 'log.db'}", "--catalog", catalog)
    done = run("gateway", *where, "--listen", f"127.0.0.1:{free_ports(1)[0]}", *words)
    assert done.status == 2
    return done.err


def test_what_can_not_be_stops_the_start_with_one_line(tmp_path: Path) -> None:
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    hidden = certificate(tmp_path, "hidden", b"secret")
    for words, said in (
        (("--tls-cert", first[0]), "--tls-cert and --tls-key go together"),
        (("--tls-cert", first[0], "--tls-key", second[1]), "the key is another certificate's"),
        (("--tls-cert", first[0], "--tls-key", tmp_path / "none"), "can't be used: No such file"),
        (("--tls-cert", hidden[0], "--tls-key", hidden[1]), "the key has a password; allowed: PEM files"),
        (("--audience", "geofence"), "say --jwks, by whose keys, too"),
        (("--jwks", "http://example.com/keys"), "http on this machine"),
        (("--jwks", tmp_path / "none"), f"the JWKS {tmp_path / 'none'} can't be used: No such file"),
        (("--health", "nowhere"), "'nowhere' is no address; allowed: HOST:PORT"),
    ):
        err = refused(tmp_path, *words)
        assert said in err
        assert err.count("\n") == 1, err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LAN", "perhaps", "(env var: 'GEOFENCE_GATEWAY_LAN'): 'perhaps' is not a valid boolean"),
        ("CONSENT", "no", "(env var: 'GEOFENCE_GATEWAY_CONSENT'): 'no' is not one of 'assumed', 'required'"),
        ("HEAD_S", "-1", "GEOFENCE_GATEWAY_HEAD_S is -1.0; allowed: more than 0"),
        ("HEADS_S", "1", "GEOFENCE_GATEWAY_HEADS_S is set, but there is no such setting; did you mean "),
    ],
)
def test_a_variable_that_can_not_be_stops_the_start_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"GEOFENCE_GATEWAY_{name}", value)
    assert said in refused(tmp_path)


def test_without_tls_who_listens_beyond_this_machine_is_warned_and_phones_are_told_the_address(tmp_path: Path) -> None:
    with serving(tmp_path, "--lan") as gateway:
        wait_for(lambda: "\u2588" in gateway.said() or "in no network" in gateway.said())
        said, port = gateway.said(), gateway.address.rpartition(":")[2]
        assert f"listening at http://0.0.0.0:{port}" in said
        assert "warning: without TLS, whoever is on the way can read keys and positions" in said
        if "phones in this network reach it at http://" in said:
            assert "\u2588" in said
        else:
            assert "this machine seems to be in no network" in said
    with serving(tmp_path / "here") as gateway:
        assert "warning" not in gateway.said()


def test_a_link_for_a_phone_has_a_one_time_code_and_is_printed_as_a_qr_code_when_asked_for(tmp_path: Path) -> None:
    catalog = ("--catalog", f"sqlite:{tmp_path / 'catalog.db'}")
    assert run("catalog", "upgrade", *catalog).status == 0
    done = run("devices", "add", "phone", "--url", "https://gateway.example/", "--qr", *catalog)
    link, _, code = done.lines[0].partition("#")
    assert link == "https://gateway.example/enrol"
    assert [len(part) for part in code.split("-")] == [7, 7, 7]
    assert done.err == f"{qr(enrolment_link('https://gateway.example', code))}\n"
    assert "--qr needs --url" in run("devices", "add", "phone", "--qr", *catalog).err
    assert "allowed: https://HOST" in run("devices", "add", "phone", "--url", "gateway", *catalog).err


def test_the_page_behind_the_link_may_run_its_own_script_and_ask_its_own_gateway_alone(gateway: Served) -> None:
    page = gateway.ask("GET", "/enrol")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    script = page.text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; script-src 'sha256-{digest}';" in policy
    assert "http" not in page.text.replace("https://", "")
    for name in re.findall(r'part\("(\w+)"\)', script):
        assert f'id="{name}"' in page.text


@pytest.mark.parametrize("days", ["nan", "0", "-1", "inf", "40000", "x"])
def test_days_that_are_no_days_are_refused(tmp_path: Path, days: str) -> None:
    done = run("keys", "create", "k", "--scope", "admin", "--days", days, "--catalog", f"sqlite:{tmp_path / 'c.db'}")
    assert done.status == 2
    assert "Invalid value for '--days'" in done.err


def test_what_sets_an_app_up_unasked_has_no_secret() -> None:
    packed = owntracks_link("http://10.0.0.2:8080").removeprefix("owntracks:///config?inline=")
    assert json.loads(base64.b64decode(packed)) == {
        "_type": "configuration", "mode": 3, "url": "http://10.0.0.2:8080/v1/clients/owntracks", "auth": True,
    }  # fmt: skip
