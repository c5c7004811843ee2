"""Findings about Redis: a server for `slotline up`, and whether the broker answers, is new enough and keeps its data.

Writes nothing. A server that hangs costs `ANSWERS_WITHIN_S` a question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.errors import BrokerRefused, BrokerUnavailable, SlotlineError
from tasks.redis import broker, rights
from tasks.settings import Settings
from workers.doctor.finding import Finding, fine, note, wrong
from workers.durability import Risk, risks
from workers.stack.embedded_redis import find_server
from workers.upstream.redis import answer_within

if TYPE_CHECKING:
    from redis import Redis

ANSWERS_WITHIN_S = 2.0
PAGE = "see docs/redis.md"
HANGS = "its process hangs, or the network to it swallows packets: look there"


def of_server() -> Iterator[Finding]:
    """The server that `slotline up` would start; a machine that uses another broker needs none."""
    try:
        yield fine("Redis server", f"{find_server()}, for `slotline up`")
    except SlotlineError as exc:
        what, _, todo = str(exc).partition(": ")
        yield note("Redis server", f"{what}, which only `slotline up` needs", todo)


class BrokerCheck:
    """The check of one broker; `client` is there when it has answered."""

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self.client: Redis | None = None

    def look(self, names: Callable[[], Iterable[str]]) -> Iterator[Finding]:
        """Its address and version, and a line for each thing that may lose jobs or keeps users from their work.

        `names` gives the models whose queues the user of this URL needs.
        """
        models = tuple(names())
        url = self._chosen.broker_url
        client = broker.client(url)
        answer_within(client, ANSWERS_WITHIN_S)
        try:
            with broker.speaking(url):
                broker.check_server(client)
                client.ping()
                lacking = rights.lacking(client, rights.PRODUCER, models)
                if not lacking:
                    self.client = client
                version = broker.version_of(client)
                yield fine("broker", f"{broker.shown(url)}: {f'Redis {version}' if version else 'it answers'}")
                yield from self._rights(client, lacking, models)
                yield from map(_risk, risks(client))
                yield from of_writes(_info(client))
        except (BrokerUnavailable, BrokerRefused) as exc:
            yield self._away(exc)

    def _away(self, exc: SlotlineError) -> Finding:
        """It does not answer, or refuses. Where nobody has named a broker and none is there, nothing is wrong."""
        if not str(exc).endswith(broker.START_ONE):  # something answers there
            return wrong("broker", str(exc), PAGE)
        if not self._chosen.broker_is_known and _has_cause(exc, ConnectionRefusedError):
            what = f"none is set, no stack runs here, and no Redis answers at {broker.shown(self._chosen.broker_url)}"
            return note("broker", what, broker.START_ONE)
        todo = HANGS if _has_cause(exc, RedisTimeoutError) else broker.START_ONE
        return wrong("broker", str(exc).removesuffix(f": {broker.START_ONE}"), todo)

    def _rights(self, client: Redis, lacking: tuple[str, ...], models: Iterable[str]) -> Iterator[Finding]:
        if lacking:
            yield wrong("broker", rights.sentence(client, rights.PRODUCER, lacking), PAGE)
        elif lacking := rights.lacking(client, rights.WORKER, models):
            yield note("broker", f"jobs can be sent from here, but {rights.sentence(client, rights.WORKER, lacking)}")


def of_writes(info: Mapping[str, Any]) -> Iterator[Finding]:
    """Why the server takes no writes now, read from its INFO. Pure."""
    if info.get("role") == "slave":
        yield wrong("broker", "it is a replica, which takes no writes", "name its master, or Sentinels that know it")
    most_bytes = int(info.get("maxmemory") or 0)
    is_kept = info.get("maxmemory_policy", "noeviction") == "noeviction"
    if is_kept and 0 < most_bytes <= int(info.get("used_memory") or 0):
        yield wrong("broker", "its memory is full (`maxmemory`), and it takes no writes", "raise `maxmemory`")
    statuses = (info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status"))
    if "err" in statuses:
        yield wrong("broker", "it cannot write to its own disk", "look at its log, and make room on its disk")


def _info(client: Redis) -> Mapping[str, Any]:
    """What it says about itself; empty where it may not be asked."""
    try:
        found: Mapping[str, Any] = client.info()
    except ResponseError:
        return {}
    return found


def _risk(risk: Risk) -> Finding:
    return (wrong if risk.is_known else note)("broker", risk.what, risk.todo)


def _has_cause(exc: BaseException, kind: type[BaseException]) -> bool:
    cause: BaseException | None = exc
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
