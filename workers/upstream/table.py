"""What slotline counts on in Celery, kombu, billiard and redis-py, one row a class or module of theirs.

For each: who uses it, the functions that are called or replaced with their parameters, and the
attributes that are read or set. A row stands here for what a class of slotline takes from its
foreign base, and for every other name that is imported from a module that its library does not
document. `tests/house/test_upstream.py` checks each row against the installed versions, and that
nothing outside this package and these rows is used. Imports none of them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CELERY = "workers/upstream/celery.py"
COMMAND_LINE = "workers/upstream/command_line.py"
TRACER = "workers/upstream/tracer.py"
BILLIARD = "workers/upstream/billiard.py"
KOMBU = "workers/upstream/kombu.py"
REDIS = "workers/upstream/redis.py"
SOCKETS = "workers/upstream/redis_sockets.py"
POOL = "workers/parent/pool.py"
CHILD_POOL = "workers/parent/child_process.py"
FLOW_POOL = "workers/flow/pool.py"
FLOW_LOSSES = "workers/flow/losses.py"
DISPATCHER = "workers/parent/dispatcher.py"
FLIGHT = "workers/parent/pipeline/flight.py"
LOSSES = "workers/parent/losses.py"
CHANNEL = "workers/transport/channel.py"
TRANSPORT = "workers/transport/transport.py"
POLLER = "workers/transport/poller.py"
QOS = "workers/transport/qos.py"
LEASE_STEP = "workers/transport/lease_step.py"
OWN_RUN = "tasks/flow/ends/own_run.py"
DUE_REQUEST = "workers/transport/due_request.py"
STARTUP = "workers/startup.py"
SETUP = "workers/setup.py"
CONTROL = "tasks/flow/ends/control.py"


@dataclass(frozen=True)
class Part:
    """What is used of one class (`module:Class`) or one module, and where.

    `calls` gives each function's parameters as Python writes them, a default as `=…`. `holds` are
    the attributes or names.
    """

    of: str
    used_in: tuple[str, ...]
    calls: Mapping[str, str]
    holds: tuple[str, ...]


def _part(of: str, *used_in: str, holds: str = "", **calls: str) -> Part:
    return Part(of, used_in, MappingProxyType(calls), tuple(holds.split()))


PARTS: tuple[Part, ...] = (
    # The pool: where one of these changes, work is lost or runs twice.
    _part(
        "celery.concurrency.prefork:TaskPool", POOL, SETUP, FLOW_POOL,
        holds="Pool uses_semaphore _pool on_apply flush terminate_job",
        on_start="self", did_start_ok="self", register_with_event_loop="self, loop",
        on_close="self", on_stop="self", on_terminate="self", _get_info="self",
    ),
    _part(
        "celery.concurrency.base:BasePool", POOL, FLOW_POOL,
        holds="RUN _state app options",
        __init__="self, limit=…, putlocks=…, forking_enable=…, callbacks_propagate=…, app=…, **options",
        on_apply="self, *args, **kwargs",
    ),
    _part(
        "celery.concurrency.asynpool:AsynPool", CHILD_POOL, POOL, FLOW_POOL,
        holds="outbound_buffer",
        __init__="self, processes=…, synack=…, sched_strategy=…, proc_alive_timeout=…, *args, **kwargs",
        _create_worker_process="self, i", _event_process_exit="self, hub, proc", flush="self",
        on_process_alive="self, pid",
    ),
    _part(
        "billiard.pool:Pool", CHILD_POOL, POOL, FLOW_POOL,
        holds="_initializer _pool _state",
        apply_async=(
            "self, func, args=…, kwds=…, callback=…, error_callback=…, accept_callback=…, timeout_callback=…, "
            "waitforslot=…, soft_timeout=…, timeout=…, lost_worker_timeout=…, callbacks_propagate=…, correlation_id=…"
        ),
        maintain_pool="self", _join_exited_workers="self, shutdown=…", _repopulate_pool="self, exitcodes", join="self",
    ),
    _part("billiard.pool", CHILD_POOL, FLOW_POOL, holds="RUN"),
    _part("billiard.process:BaseProcess", CHILD_POOL, holds="_controlled_termination exitcode pid", _is_alive="self"),
    _part("billiard.pool:ApplyResult", CHILD_POOL, discard="self"),
    _part("billiard.exceptions", LOSSES, CHILD_POOL, FLOW_LOSSES, holds="Terminated TimeLimitExceeded WorkerLostError"),
    _part("billiard.einfo", BILLIARD, TRACER, CHILD_POOL, FLOW_LOSSES, FLOW_POOL, holds="ExceptionInfo"),
    _part(
        "billiard.einfo:ExceptionInfo", BILLIARD, CHILD_POOL, FLOW_LOSSES, holds="exception traceback",
        __init__="self, exc_info=…, internal=…",
    ),
    _part("billiard.common", BILLIARD, human_status="status", terminate_handler_fired=""),
    _part("billiard.compat", BILLIARD, mem_rss=""),
    _part(
        # It hands its six values to the pool in this order: workers/wire/call.py is made of them.
        "celery.worker.request:Request", CELERY, DUE_REQUEST,
        holds="_already_revoked _context _eta eta expires id",
        __init__=(
            "self, message, on_ack=…, hostname=…, eventer=…, app=…, connection_errors=…, request_dict=…, task=…, "
            "on_reject=…, body=…, headers=…, decoded=…, utc=…, maybe_make_aware=…, maybe_iso8601=…, **opts"
        ),
        revoked="self", maybe_expire="self", send_event="self, type, **fields",
    ),
    _part("celery.worker.request", CELERY, DUE_REQUEST, holds="Request"),
    _part("celery.worker.state", DUE_REQUEST, holds="revoked"),
    _part(
        "celery.app.trace", TRACER,
        build_tracer=(
            "name, task, loader=…, hostname=…, store_errors=…, Info=…, eager=…, propagate=…, app=…, monotonic=…, "
            "trace_ok_t=…, IGNORE_STATES=…"
        ),
        fast_trace_task="task, uuid, request, body, content_type, content_encoding, loads=…, _loc=…, hostname=…, **_",
    ),
    _part(
        "celery.app.trace:TraceInfo", TRACER,
        __init__="self, state, retval=…", handle_error_state="self, task, req, eager=…, call_errbacks=…",
    ),
    _part("celery.concurrency.prefork", TRACER, process_initializer="app, hostname"),
    # The transport: where one of these changes, messages are lost or taken twice.
    _part(
        "kombu.transport.redis:Channel", CHANNEL,
        holds=(
            "QoS from_transport_options priority_steps active_queues client connection_errors brpop_timeout "
            "_fanout_queues _queue_cycle _in_poll _brpop_sent_at _sentinel_manager socket_timeout"
        ),
        __init__="self, *args, **kwargs", basic_consume="self, queue, *args, **kwargs", close="self",
        _basic_cancel="self, consumer_tag", _brpop_start="self, timeout=…", _brpop_read="self, **options",
        _flush_brpop_reauth="self", _get_pool="self, asynchronous=…", _q_for_pri="self, queue, pri",
    ),
    _part("kombu.transport.redis:Channel", KOMBU, _connparams="self, asynchronous=…"),
    _part("kombu.transport.redis", KOMBU, _socket_readable="sock"),
    _part(
        "kombu.transport.virtual.base:Channel", CHANNEL, TRANSPORT,
        holds="Message closed connection qos _tag_to_queue",
        basic_consume="self, queue, no_ack, callback, consumer_tag, **kwargs",
        basic_get="self, queue, no_ack=…, **kwargs",
    ),
    _part(
        "kombu.transport.redis:SentinelChannel", TRANSPORT,
        holds="from_transport_options", _sentinel_managed_pool="self, asynchronous=…",
    ),
    _part(
        "kombu.transport.redis:Transport", TRANSPORT,
        holds="Channel connection_errors cycle",
        __init__="self, *args, **kwargs", register_with_event_loop="self, connection, loop",
    ),
    _part("kombu.transport.redis:SentinelTransport", TRANSPORT, holds="Channel"),
    _part(
        "kombu.transport.redis:MultiChannelPoller", POLLER,
        holds="_channels _in_protected_read after_read poller",
        get="self, callback, timeout=…", handle_event="self, fileno, event", on_poll_start="self",
        maybe_check_subclient_health="self",
    ),
    _part(
        "kombu.transport.virtual.base:QoS", QOS,
        holds="channel prefetch_count restore_at_shutdown _delivered",
        __init__="self, channel, prefetch_count=…",
        can_consume="self", can_consume_max_estimate="self", append="self, message, delivery_tag",
        ack="self, delivery_tag", reject="self, delivery_tag, requeue=…",
        restore_unacked="self", restore_unacked_once="self, stderr=…",
    ),
    _part("kombu.transport", CHANNEL, POLLER, TRANSPORT, QOS, holds="redis virtual"),
    _part("kombu.transport", KOMBU, holds="TRANSPORT_ALIASES _transport_cache"),
    _part("kombu.utils.scheduling:round_robin_cycle", CHANNEL, consume="self, n", rotate="self, last_used"),
    _part("kombu.utils.json", CHANNEL, loads="s, _loads=…, decode_bytes=…, object_hook=…"),
    _part(
        "kombu.connection:Connection", CHANNEL, TRANSPORT, CELERY,
        holds="alt", as_uri="self, include_password=…, mask=…, getfields=…", ensure_connection="self, *args, **kwargs",
    ),
    _part("kombu.message:Message", CHANNEL, "workers/duties/set_aside.py", holds="acknowledged delivery_tag headers"),
    _part("kombu.asynchronous", KOMBU, get_event_loop=""),
    _part(
        # Timers run before the ticks of the pool, and what is called soon after both: the transport counts on it.
        "kombu.asynchronous.hub:Hub", "workers/parent/supervisor.py", DISPATCHER, FLIGHT, CHILD_POOL, CHANNEL,
        holds="timer",
        call_soon="self, callback, *args", call_later="self, delay, callback, *args",
        add_reader="self, fds, callback, *args", remove="self, fd",
    ),
    _part(
        "kombu.asynchronous.timer:Timer", LEASE_STEP, "workers/duties/duty.py",
        call_after="self, secs, fun, args=…, kwargs=…, priority=…",
        call_repeatedly="self, secs, fun, args=…, kwargs=…, priority=…", cancel="self, tref",
    ),
    _part("kombu.utils.limits:TokenBucket", CELERY, holds="contents"),
    _part(
        "celery.worker.state", CELERY,
        holds="active_requests reserved_requests scheduled_requests revoked total_count should_stop should_terminate",
    ),
    _part(
        "redis.client:Redis", CHANNEL, "tasks/redis/scripts.py",
        holds="connection", parse_response="self, connection, command_name, **options", register_script="self, script",
    ),
    _part("redis.commands.core:Script", "tasks/redis/scripts.py", holds="script sha"),
    _part("redis.connection:Connection", CHANNEL, send_command="self, *args, **kwargs"),
    # It calls `redis_connect_func` for each new socket, in place of `on_connect`.
    _part("redis.connection:Connection", SOCKETS, KOMBU, holds="retry _sock", _get_socket="self", on_connect="self"),
    _part("redis.connection:ConnectionPool", REDIS, holds="connection_kwargs"),
    _part("redis.sentinel", "workers/transport/renewal.py", holds="MasterNotFoundError"),
    _part(
        "redis.retry:Retry", REDIS, SOCKETS, holds="_backoff _retries _supported_errors",
        __init__="self, backoff, retries, supported_errors=…",
        call_with_retry="self, do, fail, is_retryable=…, with_failure_count=…",
    ),
    # Results: where one of these changes, jobs end without their result.
    _part("celery.app.base:Celery", CELERY, STARTUP, holds="loader user_options", _get_backend="self"),
    _part("celery.loaders.base:BaseLoader", CELERY, holds="override_backends"),
    _part(
        "celery.backends.base:Backend", CELERY, "workers/duties/set_aside.py", OWN_RUN,
        holds="app expires",
        _get_result_meta="self, result, state, traceback, request, format_date=…, encode=…", encode="self, data",
        mark_as_done="self, task_id, result, request=…, store_result=…, state=…",
        mark_as_failure="self, task_id, exc, traceback=…, request=…, store_result=…, call_errbacks=…, state=…",
        mark_as_revoked="self, task_id, reason=…, request=…, store_result=…, state=…",
        store_result="self, task_id, result, state, traceback=…, request=…, **kwargs",
    ),
    _part(
        "celery.backends.base:KeyValueStoreBackend", CELERY,
        _store_result="self, task_id, result, state, traceback=…, request=…, **kwargs",
        get_key_for_task="self, task_id, key=…",
    ),
    _part("celery.backends.redis", CELERY, holds="RedisBackend SentinelBackend"),
    _part(
        "celery.backends.redis:RedisBackend", CELERY, "tasks/redis/broker.py",
        holds="client connparams failure_expires",
        set="self, key, value, expires=…, **retry_policy", _set="self, key, value, expires=…",
        __init__="self, host=…, port=…, db=…, password=…, max_connections=…, url=…, connection_pool=…, **kwargs",
    ),
    _part("kombu.utils.encoding", CELERY, bytes_to_str="s"),
    _part(
        "celery.app.task:Context", CELERY, TRACER, "tasks/flow/envelope.py",
        holds="args callbacks chain chord correlation_id errbacks id kwargs reply_to",
        __init__="self, *args, **kwargs",
    ),
    _part("celery.app.task:Task", OWN_RUN, send_event="self, type_, retry=…, retry_policy=…, **fields"),
    _part("celery.app.task:Task", "workers/transport/__init__.py", holds="Request"),
    # The consumer and the worker: where one of these changes, a feature fails.
    _part("celery.worker.consumer", CELERY, holds="Consumer"),
    _part(
        "celery.worker.consumer.consumer:Consumer", CELERY, LEASE_STEP, "workers/duties/event_buffer.py",
        "workers/duties/heartbeat.py", "workers/duties/readiness.py", "workers/duties/drain.py",
        holds="app blueprint connection controller hostname hub pool steps strategies task_buckets timer",
        ensure_connected="self, conn", on_connection_error_after_connected="self, exc",
        _flush_events="self", on_send_event_buffered="self",
        on_unknown_message="self, body, message", on_unknown_task="self, body, message, exc",
        on_invalid_task="self, body, message, exc", on_decode_error="self, message, exc",
    ),
    _part("celery.worker.consumer.tasks", LEASE_STEP, "workers/duties/duty.py", holds="Tasks"),
    _part("celery.worker.consumer.tasks:Tasks", CELERY, "workers/duties/readiness.py", holds="task_consumer"),
    _part("celery.worker.consumer.events", "workers/duties/event_buffer.py", holds="Events"),
    _part("celery.worker.consumer.events:Events", CELERY, holds="event_dispatcher"),
    _part("celery.worker.components", "workers/duties/drain.py", holds="Pool"),
    _part("celery.worker.components:Consumer", "workers/duties/drain.py", holds="consumer"),
    _part("celery.events.dispatcher:EventDispatcher", CELERY, holds="buffer_limit on_send_buffered"),
    _part("kombu.messaging:Consumer", CELERY, holds="on_decode_error"),
    _part(
        "celery.worker.control", CELERY, "workers/duties/cancel.py", "workers/duties/remote_control.py",
        holds="Panel control_command inspect_command revoke terminate",
    ),
    _part("celery.worker.control:Panel", CELERY, holds="data"),
    _part(
        "celery.worker.worker:WorkController", STARTUP, SETUP, "workers/duties/drain.py",
        holds=(
            "app concurrency hostname logfile loglevel options pidfile pool pool_cls prefetch_multiplier "
            "ready_callback statedb"
        ),
    ),
    _part("celery.apps.worker:Worker", STARTUP, holds="quiet"),
    _part("celery.utils.functional", "workers/duties/cancel.py", CONTROL, maybe_list="obj, scalars=…"),
    _part("celery.app.control", CONTROL, holds="Control"),
    _part(
        "celery.app.control:Control", CONTROL, holds="app",
        revoke="self, task_id, destination=…, terminate=…, signal=…, **kwargs",
        revoke_by_stamped_headers="self, headers, destination=…, terminate=…, signal=…, **kwargs",
    ),
    _part("celery.utils.log", STARTUP, SETUP, holds="LOG_LEVELS"),
    _part(
        "celery.utils.nodenames", SETUP, STARTUP, "workers/detach.py",
        node_format="s, name, **extra", nodesplit="name",
    ),
    _part(
        "celery.bin.worker", COMMAND_LINE,
        holds="C_FAKEFORK Hostname worker",
        detach=(
            "path, argv, logfile=…, pidfile=…, uid=…, gid=…, umask=…, workdir=…, fake=…, app=…, executable=…, "
            "hostname=…"
        ),
    ),
    _part("celery.bin.worker:Hostname", COMMAND_LINE, convert="self, value, param, ctx"),
    _part("kombu.utils.url", "tasks/redis/broker.py", maybe_sanitize_url="url, mask=…"),
)  # fmt: skip
"""Every part, the costliest first."""
