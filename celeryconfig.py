"""Celery's settings for slotline: constants only.

The addresses of broker, results and store come from the environment (`tasks/settings.py`).
Settings that differ between slot and flow workers (pool, prefetch, time to load) are set
when the worker starts (`workers/startup.py`). Imports the standard library only.
"""

# Only JSON is accepted: a pickle is refused, never loaded.
task_serializer = "json"
result_serializer = "json"
event_serializer = "json"
accept_content = ["json"]
result_accept_content = ["json"]

# A message is acknowledged when its part is settled. A worker that loses its child gives
# the message back and does not fail the task (attempts are counted in Redis).
task_acks_late = True
task_reject_on_worker_lost = True
task_acks_on_failure_or_timeout = True

# The ledger writes a job's state (PROGRESS); STARTED would overwrite it.
task_track_started = False

# Flower sees every task, without an option of the worker.
worker_send_task_events = True
task_send_sent_event = True

# Only the queues `flow` and those of the models are read; `celery` is the default of a sender that names none.
task_default_queue = "celery"
# What this application sends without a queue goes to the one it belongs in.
task_routes = ("tasks.flow.ledger.unaddressed.route",)
task_create_missing_queues = True

worker_hijack_root_logger = True
worker_redirect_stdouts = False
worker_log_format = "%(asctime)s %(levelname)s %(processName)s %(message)s"
worker_task_log_format = "%(asctime)s %(levelname)s %(task_id)s %(message)s"
broker_connection_retry_on_startup = True
worker_cancel_long_running_tasks_on_connection_loss = False
worker_enable_remote_control = True
timezone = "UTC"
enable_utc = True
