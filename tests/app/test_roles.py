"""Who may do what fails closed: the owner is who sits at the machine, and nobody who could be anywhere else."""

import pytest
import streamlit as st

from app import roles
from app.roles import COOKIE, TOKEN, links, role_of, shared_origin, without_paths
from app.routes.guard import headers

HERE = {"host": "localhost:8501"}


@pytest.fixture(autouse=True)
def asked_by_the_owner() -> None:
    """Nothing is taken for granted here."""


@pytest.fixture
def address(monkeypatch):
    def listen(where, **others):
        told = {"server.address": where, "server.port": 8501, "server.baseUrlPath": "", **others}
        monkeypatch.setattr(st, "get_option", told.get)

    listen("localhost")
    monkeypatch.delenv(roles.CLASS, raising=False)
    monkeypatch.setattr(roles, "get_internal_ip", lambda: "192.168.1.5")
    return listen


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "app.localhost"])
@pytest.mark.parametrize("peer", [None, "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_who_sits_at_the_machine_is_its_owner(address, host, peer):
    assert role_of({"host": host}, {}, peer) == "owner"


@pytest.mark.parametrize(
    ("where", "said", "peer"),
    [
        ("0.0.0.0", HERE, "127.0.0.1"),  # it listens for others, too
        (None, HERE, "127.0.0.1"),
        ("192.168.1.5", HERE, "127.0.0.1"),
        ("localhost", HERE, "192.168.1.7"),  # started by other means than its address says
        ("localhost", HERE, "unknown"),
        ("localhost", {"host": "lab.school.example"}, "127.0.0.1"),  # a proxy, or a name that was pointed here
        ("localhost", {"host": "localhost.school.example"}, None),
        ("localhost", {"host": "192.168.1.5:8501"}, "127.0.0.1"),
        ("localhost", {"host": "["}, None),
        *(
            ("localhost", HERE | {name: "198.51.100.7"}, "127.0.0.1")
            for name in ("X-Forwarded-For", "x-forwarded-proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP")
        ),
    ],
)
def test_everybody_else_is_a_viewer_until_the_token_is_shown(address, where, said, peer):
    address(where)
    assert role_of(said, {}, peer) == "viewer"
    assert role_of(said, {COOKIE: "x" * len(TOKEN)}, peer) == "viewer"
    assert role_of(said, {COOKIE: TOKEN}, peer) == "presenter"


def test_in_a_class_nobody_is_the_owner(address, monkeypatch):
    monkeypatch.setenv(roles.CLASS, "1")
    assert role_of(HERE, {}, None) == "viewer"


def test_the_links_are_for_others_and_the_token_stands_where_no_server_sees_it(address):
    assert shared_origin() is None
    address("0.0.0.0", **{"server.baseUrlPath": "/lab/"})
    viewers, presenters = links()
    assert viewers == "http://192.168.1.5:8501/lab/"
    assert presenters == f"http://192.168.1.5:8501/lab/bcl/v1/present#{TOKEN}"
    assert len(TOKEN) >= 43
    address("0.0.0.0", **{"browser.serverPort": 443})
    assert links()[0] == "https://192.168.1.5/"


def test_where_no_network_leads_elsewhere_the_link_has_the_machine_s_name(address, monkeypatch):
    address("0.0.0.0")
    monkeypatch.setattr(roles, "get_internal_ip", lambda: "127.0.0.1")
    monkeypatch.setattr(roles.socket, "gethostname", lambda: "laptop")
    assert shared_origin() == "http://laptop.local:8501"


def test_viewers_read_of_a_path_its_last_name():
    text = "there is no folder /home/ada/data/cifar; see ~/lab/x.log or http://localhost:8501/lab?runs=a and 3/4"
    told = without_paths(text)
    assert told == "there is no folder …/cifar; see …/x.log or http://localhost:8501/lab?runs=a and 3/4"


def test_scripts_come_from_this_server_alone():
    policy = dict(headers())[b"content-security-policy"].decode()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts and scripts.startswith("script-src 'self' blob: 'sha256-")
