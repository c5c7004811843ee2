"""Every private part of Celery, kombu, billiard and redis-py that is replaced or wrapped."""
