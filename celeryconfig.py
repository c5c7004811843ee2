"""Celery's settings for slotline: constants only.

The broker, result and store addresses come from the environment (`tasks/settings.py`);
what depends on a worker's kind (pool, prefetch, load budget) is set when that worker
starts (`workers/startup.py`). Imports the standard library only.
"""

# JSON is the only language spoken: a pickle is refused, never opened.
task_serializer = "json"
result_serializer = "json"
event_serializer = "json"
accept_content = ["json"]
result_accept_content = ["json"]

# A message stays with its worker until its work is settled; a worker that loses its
# child gives the message back instead of failing it (attempts are counted in Redis).
task_acks_late = True
task_reject_on_worker_lost = True
task_acks_on_failure_or_timeout = True

# A job's state is written by the ledger (PROGRESS) and by its end; STARTED would cover it.
task_track_started = False

# Flower sees every task without a flag to remember.
worker_send_task_events = True
task_send_sent_event = True

# Another queue than `flow` and the models' own is a mistake of the sender.
task_default_queue = "celery"
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
