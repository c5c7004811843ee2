"""When a job will end: from measured times, from what waits beside it, and from the slots that live."""
