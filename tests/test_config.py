"""Settings: every problem at once, each with its remedy, no secret printed; what is unsafe does not start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import load_catalogue, load_settings, remarks
from bot.errors import SettingsInvalid

ROOT = Path(__file__).parent.parent
SECRET = "s3cret-value-that-nobody-may-see"
GOOD = {
    "APP_ID": "11111111-2222-3333-4444-555555555555",
    "APP_PASSWORD": SECRET,
    "APP_TENANTID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "API_TOKEN": "0123456789abcdefghijklmnopqrstuvwxyz",
    "CONFIG": str(ROOT / "connect-chats.toml"),
}

UNSAFE: dict[str, tuple[dict[str, str], str]] = {
    "nothing set": (dict.fromkeys(GOOD, ""), "APP_ID"),
    "no app id": ({"APP_ID": ""}, "APP_ID"),
    "app id not a GUID": ({"APP_ID": "my-bot"}, "APP_ID"),
    "app id all zeros": ({"APP_ID": "00000000-0000-0000-0000-000000000000"}, "APP_ID"),
    "no secret": ({"APP_PASSWORD": ""}, "APP_PASSWORD"),
    "blank secret": ({"APP_PASSWORD": "   "}, "APP_PASSWORD"),
    "multi tenant": ({"APP_TYPE": "MultiTenant"}, "APP_TYPE"),
    "managed identity": ({"APP_TYPE": "UserAssignedMSI"}, "APP_TYPE"),
    "mistyped type": ({"APP_TYPE": "singletenant"}, "APP_TYPE"),
    "no tenant": ({"APP_TENANTID": ""}, "APP_TENANTID"),
    "tenant is a domain": ({"APP_TENANTID": "contoso.onmicrosoft.com"}, "APP_TENANTID"),
    "tenant common": ({"APP_TENANTID": "common"}, "APP_TENANTID"),
    "short api token": ({"API_TOKEN": "demo"}, "API_TOKEN"),
    "guessable api token": ({"API_TOKEN": "a" * 40}, "API_TOKEN"),
    "http metadata": ({"OPENID_METADATA_URL": "http://login.example.com/x"}, "OPENID_METADATA_URL"),
    "http login": ({"LOGIN_URL": "http://login.example.com"}, "LOGIN_URL"),
    "http graph": ({"GRAPH_URL": "http://graph.example.com"}, "GRAPH_URL"),
    "login with a password": ({"LOGIN_URL": "https://u:p@login.example.com"}, "LOGIN_URL"),
    "any connector host": ({"CONNECTOR_HOSTS": "*"}, "CONNECTOR_HOSTS"),
    "connector host as address": ({"CONNECTOR_HOSTS": "https://smba.trafficmanager.net/"}, "CONNECTOR_HOSTS"),
    "unknown cloud": ({"CLOUD": "private"}, "CLOUD"),
    "port not a number": ({"PORT": "http"}, "PORT"),
    "port too large": ({"PORT": "70000"}, "PORT"),
    "host not a name": ({"HOST": "a b"}, "HOST"),
    "public http": ({"PUBLIC_URL": "http://chats.example.com"}, "PUBLIC_URL"),
    "other database": ({"DATABASE_URL": "mysql://localhost/x"}, "DATABASE_URL"),
    "no such config": ({"CONFIG": "missing.toml"}, "CONFIG"),
    "no such certificates": ({"SSL_CERT_FILE": "missing.pem"}, "SSL_CERT_FILE"),
}


def environment(changes: dict[str, str], folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, **GOOD, "DATABASE_URL": f"sqlite:///{folder}/x.db", **changes}


@pytest.mark.parametrize(("changes", "name"), UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_configuration_is_refused_by_name_without_its_secrets(changes, name, tmp_path, monkeypatch) -> None:
    for key, value in environment(changes, tmp_path).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SettingsInvalid) as caught:
        load_catalogue(load_settings(env_file=None).config)
    assert any(name in problem for problem in caught.value.problems)
    assert all(problem.count(".") >= 1 and len(problem) > 20 for problem in caught.value.problems)
    assert SECRET not in str(caught.value)


def test_the_good_configuration_is_accepted(tmp_path, monkeypatch) -> None:
    for key, value in environment({}, tmp_path).items():
        monkeypatch.setenv(key, value)
    settings = load_settings(env_file=None)
    assert (settings.demo, settings.tenant) == (False, GOOD["APP_TENANTID"])
    assert set(load_catalogue(settings.config).types) == {"account", "opportunity", "case"}
    assert SECRET not in repr(settings)


def test_all_problems_are_told_at_once(monkeypatch, tmp_path) -> None:
    changes = {"APP_ID": "", "APP_TENANTID": "", "API_TOKEN": "x", "LOGIN_URL": "http://x.example.com", "PORT": "x"}
    for key, value in environment(changes, tmp_path).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(env_file=None)
    assert len(caught.value.problems) == 5


def test_the_environment_cannot_switch_the_demo_on(monkeypatch, tmp_path) -> None:
    for key, value in environment({"DEMO": "true", "_DEMO": "1"}, tmp_path).items():
        monkeypatch.setenv(key, value)
    assert load_settings(env_file=None).demo is False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ([], dict.fromkeys(GOOD, "")),
        ([], {"APP_TYPE": "MultiTenant"}),
        (["--demo"], {"HOST": "0.0.0.0"}),
        (["--demo"], {"HOST": "192.0.2.1"}),
        (["--check"], {"API_TOKEN": "short"}),
    ],
    ids=["nothing", "multi tenant", "demo on all addresses", "demo on another address", "check"],
)
def test_the_program_exits_2_with_the_reason_and_opens_no_port(arguments, changes, tmp_path) -> None:
    port = free_port()
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), *arguments],
        env=environment({"PORT": str(port), **changes}, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert "does not start" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert SECRET not in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["PUBLIC_URL"]),
        ({"PUBLIC_URL": "https://your-tunnel-or-host"}, ["PUBLIC_URL"]),
        ({"API_TOKEN": ""}, ["PUBLIC_URL", "API_TOKEN"]),
        ({"PUBLIC_URL": "https://chats.example.com"}, []),
    ],
)
def test_what_starts_but_can_hardly_be_meant_is_remarked(changes, names, tmp_path, monkeypatch) -> None:
    for key, value in environment(changes, tmp_path).items():
        monkeypatch.setenv(key, value)
    told = remarks(load_settings(env_file=None))
    assert [remark.split()[0] for remark in told] == names
