"""The options of every connection to Redis: `SLOTLINE_REDIS_OPTIONS`, written like the query of a URL. Pure.

Typed and checked once; what a connection does not know is refused by its name. `for_redis` and
`for_celery` then give the same options to redis-py and to Celery, so that no connection is
without a time limit: not a worker's, not a command's, not Flower's, not one to a Sentinel.
What a URL says itself comes first. Opens no connection.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import SettingsError

VARIABLE = "SLOTLINE_REDIS_OPTIONS"
TLS_SCHEME = "rediss"
SENTINEL_SCHEME = "sentinel"

SILENT_S = 25.0
"""After this long without a sign of the other host the kernel gives up a connection, also an idle one."""

PROBE_AFTER_S = 10
PROBE_EVERY_S = 5
PROBES = 3

Seconds = Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)]
Word = Annotated[str, Field(min_length=1)]

CREDENTIALS = frozenset({"username", "password"})


class RedisOptions(BaseModel):
    """The options, with their defaults. Durations are in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    socket_timeout: Seconds = 10.0
    socket_connect_timeout: Seconds = 5.0
    socket_keepalive: bool = True
    health_check_interval: Annotated[int, Field(ge=1, le=86400)] | None = None
    retry_on_timeout: bool = False
    client_name: Annotated[str, Field(pattern="^[!-~]+$")] | None = None
    username: Word | None = None
    password: Word | None = Field(None, repr=False)
    ssl_cert_reqs: Literal["required", "optional", "none"] = "required"
    ssl_check_hostname: bool | None = None
    ssl_ca_certs: Word | None = None
    ssl_ca_path: Word | None = None
    ssl_certfile: Word | None = None
    ssl_keyfile: Word | None = None
    ssl_password: Word | None = Field(None, repr=False)
    ssl_min_version: Literal["TLSv1.2", "TLSv1.3"] | None = None
    ssl_ciphers: Word | None = None
    sentinel_username: Word | None = None
    sentinel_password: Word | None = Field(None, repr=False)

    @classmethod
    def parse(cls, text: str, where: str = VARIABLE) -> Self:
        """Read `name=value&name=value`; raises `SettingsError` that names `where`, the option, and what is wrong."""
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
        except ValueError as exc:
            raise SettingsError(f"{where}: it is written name=value&name=value, like the query of a URL") from exc
        names = [name for name, _ in pairs]
        for name in names:
            if name not in cls.model_fields:
                raise SettingsError(f"{where}: {name!r} is no option; there are {', '.join(cls.model_fields)}")
            if names.count(name) > 1:
                raise SettingsError(f"{where}: {name} is given twice")
        try:
            return cls.model_validate(dict(pairs))
        except ValidationError as exc:
            first = exc.errors()[0]
            name = str(first["loc"][0])
            value = "" if name.endswith("password") else f"={first['input']!r}"
            raise SettingsError(f"{where}: {name}{value}: {first['msg']}") from None

    def check(self, url: str) -> None:
        """Raise `SettingsError` for an option that connections to `url` do not have, and for one in the wrong place."""
        for name in sorted(self.model_fields_set):
            for prefix, scheme in (("ssl_", TLS_SCHEME), ("sentinel_", SENTINEL_SCHEME)):
                if name.startswith(prefix) and scheme_of(url) != scheme:
                    raise SettingsError(f"{VARIABLE}: {name} needs a CELERY_BROKER_URL that begins with {scheme}://")
        for name in _query(url):
            if name in type(self).model_fields and not name.startswith("ssl_"):
                raise SettingsError(f"CELERY_BROKER_URL: {name} is an option of {VARIABLE}, not of the URL")
        self.tls(url)

    def without_credentials(self) -> Self:
        """The options that suit any Redis: no name, no password, nothing of TLS or Sentinels."""
        kept = self.model_dump(exclude_unset=True)
        ours = ("ssl_", "sentinel_")
        return type(self)(**{k: v for k, v in kept.items() if k not in CREDENTIALS and not k.startswith(ours)})

    def query(self) -> str:
        """What was given, as `parse` reads it."""
        given = self.model_dump(exclude_unset=True)
        return urlencode(
            {name: str(value).lower() if value is True or value is False else value for name, value in given.items()}
        )

    def tcp(self) -> dict[str, Any]:
        """Of a connection over TCP: how the kernel notices that the other host has gone without a word."""
        return {"socket_keepalive": self.socket_keepalive, "socket_keepalive_options": self._keepalive()}

    def tls(self, url: str) -> dict[str, Any]:
        """Of a connection over TLS; empty for another URL. Raises `SettingsError` for a wrong value in the URL."""
        if scheme_of(url) != TLS_SCHEME:
            return {}
        own = urlencode({name: value for name, value in _query(url).items() if name.startswith("ssl_")})
        from_url = type(self).parse(own, "CELERY_BROKER_URL")
        names = [name for name in type(self).model_fields if name.startswith("ssl_")]
        both = {name: getattr(from_url if name in from_url.model_fields_set else self, name) for name in names}
        if version := both["ssl_min_version"]:
            both["ssl_min_version"] = ssl.TLSVersion[version.replace(".", "_")]
        return {name: value for name, value in both.items() if value is not None}

    def url(self, url: str) -> str:
        """`url` (several joined by `;` where it is Sentinel's) with name and password, and without what `tls` says."""
        return ";".join(self._url(one.strip()) for one in url.split(";") if one.strip())

    def for_redis(self, url: str) -> dict[str, Any]:
        """Arguments of `Redis.from_url(options.url(url), …)`, for `redis://` and `rediss://`."""
        return {**self._common(), **self.tcp(), **self.tls(url)}

    def for_celery(self, url: str, sentinel_master: str) -> dict[str, Any]:
        """Celery's settings: broker and results at `url`, with these options.

        Celery has no setting for `tcp()` of its results; whoever makes a result backend adds it. The variable
        CELERY_RESULT_BACKEND comes before the setting; an application's `backend_cls` comes before both.
        """
        address, tls, common = self.url(url), self.tls(url), self._common()
        sentinel: dict[str, Any] = {}
        if scheme_of(url) == SENTINEL_SCHEME:
            sentinel = {"master_name": sentinel_master, "sentinel_kwargs": self._for_sentinels()}
        found = {
            "broker_url": address,
            "broker_read_url": address,  # these two, because CELERY_BROKER_URL comes before the first
            "broker_write_url": address,
            "result_backend": address,
            "broker_transport_options": {**common, **self.tcp(), **sentinel},
            "result_backend_transport_options": sentinel,
            "redis_socket_timeout": self.socket_timeout,
            "redis_socket_connect_timeout": self.socket_connect_timeout,
            "redis_retry_on_timeout": self.retry_on_timeout,
            "redis_backend_health_check_interval": self.health_check_interval,
            "redis_client_name": self.client_name,
        }
        return found | ({"broker_use_ssl": tls, "redis_backend_use_ssl": tls} if tls else {})

    def _common(self) -> dict[str, Any]:
        """Of a connection of any kind, in redis-py's words, which are kombu's too."""
        found = {
            "socket_timeout": self.socket_timeout,
            "socket_connect_timeout": self.socket_connect_timeout,
            "retry_on_timeout": self.retry_on_timeout,
            "health_check_interval": self.health_check_interval,
            "client_name": self.client_name,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _for_sentinels(self) -> dict[str, Any]:
        found = {
            "socket_timeout": self.socket_timeout,
            "socket_connect_timeout": self.socket_connect_timeout,
            "client_name": self.client_name,
            **self.tcp(),
            "username": self.sentinel_username,
            "password": self.sentinel_password,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _keepalive(self) -> dict[int, int]:
        """As far as this system has them: probes of an idle connection, and a limit for what is not acknowledged."""
        wanted = {
            "TCP_KEEPIDLE": PROBE_AFTER_S,
            "TCP_KEEPALIVE": PROBE_AFTER_S,  # the same on macOS
            "TCP_KEEPINTVL": PROBE_EVERY_S,
            "TCP_KEEPCNT": PROBES,
            "TCP_USER_TIMEOUT": int(1000 * max(SILENT_S, self.socket_timeout)),
        }
        return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}

    def _url(self, url: str) -> str:
        scheme, _, rest = url.partition("://")
        address, _, query = rest.partition("?")
        if scheme == TLS_SCHEME:
            query = urlencode({name: value for name, value in _query(url).items() if not name.startswith("ssl_")})
        place, slash, path = address.partition("/")
        who, _, host = place.rpartition("@")
        name, _, password = who.partition(":")
        name = name or quote(self.username or "", safe="")
        password = password or quote(self.password or "", safe="")
        who = f"{name}:{password}@" if password else f"{name}@" if name else ""
        return f"{scheme}://{who}{host}{slash}{path}" + (f"?{query}" if query else "")


def scheme_of(url: str) -> str:
    """`redis`, `rediss`, `redis+socket` or `sentinel`."""
    return url.partition("://")[0]


def _query(url: str) -> Mapping[str, str]:
    return dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
