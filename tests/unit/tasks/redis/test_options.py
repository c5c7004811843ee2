"""The options of connections to Redis: read, checked, and given to redis-py and Celery alike."""

from __future__ import annotations

import socket
import ssl

import pytest

from tasks.errors import SettingsError
from tasks.redis.options import RedisOptions
from tasks.settings import read

OPTIONS = "SLOTLINE_REDIS_OPTIONS"
TLS = "rediss://host:1/2"
SENTINELS = "sentinel://one:1/0;sentinel://two:1/0"


@pytest.mark.parametrize(
    ("url", "text", "named"),
    [
        ("redis://h", "socket_timeuot=3", f"{OPTIONS}: 'socket_timeuot' is no option; there are socket_"),
        ("redis://h", "decode_responses=true", f"{OPTIONS}: 'decode_responses' is no option"),
        ("redis://h", "socket_timeout=soon", f"{OPTIONS}: socket_timeout='soon': Input should be a valid number"),
        ("redis://h", "socket_timeout=0", f"{OPTIONS}: socket_timeout='0'"),
        ("redis://h", "socket_timeout=inf", f"{OPTIONS}: socket_timeout='inf'"),
        ("redis://h", "health_check_interval=0", f"{OPTIONS}: health_check_interval='0'"),
        ("redis://h", "client_name=two words", f"{OPTIONS}: client_name='two words'"),
        ("redis://h", "socket_timeout=3&socket_timeout=4", f"{OPTIONS}: socket_timeout is given twice"),
        ("redis://h", "socket_timeout", f"{OPTIONS}: it is written name=value&name=value"),
        ("redis://h", "username=", f"{OPTIONS}: username=''"),
        ("redis://h", "ssl_ca_certs=/ca.pem", f"{OPTIONS}: ssl_ca_certs needs .* begins with rediss://"),
        ("redis://h", "sentinel_password=x", f"{OPTIONS}: sentinel_password needs .* begins with sentinel://"),
        (TLS, "ssl_cert_reqs=maybe", f"{OPTIONS}: ssl_cert_reqs='maybe'"),
        (f"{TLS}?ssl_cert_reqs=maybe", "", "CELERY_BROKER_URL: ssl_cert_reqs='maybe'"),
        ("redis://h/0?socket_timeout=3", "", f"CELERY_BROKER_URL: socket_timeout is an option of {OPTIONS}"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_by_its_name(url: str, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=f"^{named}"):
        read({"CELERY_BROKER_URL": url, "SLOTLINE_REDIS_OPTIONS": text})


def test_no_refusal_shows_a_password() -> None:
    with pytest.raises(SettingsError) as refused:
        RedisOptions.parse("password=")
    assert str(refused.value).startswith(f"{OPTIONS}: password: ")
    assert "secret" not in repr(RedisOptions.parse("password=secret&ssl_password=secret&sentinel_password=secret"))


def test_without_any_option_every_connection_has_its_limits() -> None:
    made = read({}).redis_options.for_celery("redis://h/0", "mymaster")
    both = {"socket_timeout": 10.0, "socket_connect_timeout": 5.0}
    assert both.items() <= made["broker_transport_options"].items()
    assert (made["redis_socket_timeout"], made["redis_socket_connect_timeout"]) == (10.0, 5.0)
    assert both.items() <= RedisOptions().for_redis("redis://h/0").items()
    for found in (made["broker_transport_options"], RedisOptions().for_redis("redis://h/0")):
        assert found["socket_keepalive"] is True
        assert found["socket_keepalive_options"][socket.TCP_USER_TIMEOUT] == 25_000


def test_name_and_password_fill_only_what_the_url_leaves_open() -> None:
    options = RedisOptions.parse("username=me&password=p%40ss")
    assert options.url("redis://h:1/0") == "redis://me:p%40ss@h:1/0"
    assert options.url("redis://you:own@h:1/0") == "redis://you:own@h:1/0"
    assert options.url("redis://you@h:1/0") == "redis://you:p%40ss@h:1/0"
    assert options.url("sentinel://one/0; sentinel://two/0") == "sentinel://me:p%40ss@one/0;sentinel://me:p%40ss@two/0"
    assert options.url("redis+socket:///r.sock?virtual_host=1") == "redis+socket://me:p%40ss@/r.sock?virtual_host=1"
    assert options.without_credentials().url("redis://h:1/0") == "redis://h:1/0"


def test_what_a_url_says_of_tls_comes_first_and_certificates_are_checked_unless_somebody_says_no() -> None:
    options = RedisOptions.parse("ssl_ca_certs=/ca.pem&ssl_min_version=TLSv1.3")
    assert options.tls(TLS) == {
        "ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem", "ssl_min_version": ssl.TLSVersion.TLSv1_3,
    }  # fmt: skip
    url = f"{TLS}?ssl_cert_reqs=none&ssl_ca_certs=/other.pem"
    assert options.tls(url) | {"ssl_min_version": 0} == {
        "ssl_cert_reqs": "none", "ssl_ca_certs": "/other.pem", "ssl_min_version": 0,
    }  # fmt: skip
    made = options.for_celery(url, "")
    assert made["broker_url"] == TLS
    assert made["broker_use_ssl"] == made["redis_backend_use_ssl"] == options.tls(url)


def test_sentinels_have_their_own_password_and_the_limits_of_all() -> None:
    options = RedisOptions.parse("socket_timeout=3&password=data&sentinel_username=guard&sentinel_password=own")
    made = options.for_celery(SENTINELS, "master")
    for found in (made["broker_transport_options"], made["result_backend_transport_options"]):
        asked = found["sentinel_kwargs"]
        assert (found["master_name"], asked["username"], asked["password"]) == ("master", "guard", "own")
        assert asked["socket_timeout"] == 3.0
        assert asked["socket_keepalive_options"]


def test_what_was_given_can_be_written_and_read_again() -> None:
    options = RedisOptions.parse("socket_timeout=1&socket_keepalive=false&client_name=a%26b&password=x")
    assert RedisOptions.parse(options.query()) == options
    assert RedisOptions.parse(options.without_credentials().query()) == options.without_credentials()
