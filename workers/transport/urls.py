"""The URL under which a worker reads: the broker's own, with slotline's transport in its scheme. Pure."""

from __future__ import annotations

from tasks.errors import SettingsError

READING_SCHEMES = {
    "redis": "slotline",
    "rediss": "slotlines",
    "redis+socket": "slotline+socket",
    "sentinel": "slotline-sentinel",
}
PLAIN_SCHEMES = {reading: plain for plain, reading in READING_SCHEMES.items()}


def reading_url(broker_url: str, tls_configured: bool = False) -> str:
    """`broker_url` (several joined by `;` where it is Sentinel's) as a worker's reading connection needs it.

    Raises `SettingsError` for another scheme, and for `rediss://` that does not say how
    certificates are checked (`tls_configured`: Celery's `broker_use_ssl` says it).
    """
    return ";".join(_reading(url.strip(), tls_configured) for url in broker_url.split(";") if url.strip())


def plain_url(url: str) -> str:
    """The broker's own URL again."""
    scheme, rest = _cut(url)
    return f"{PLAIN_SCHEMES.get(scheme, scheme)}://{rest}"


def _reading(url: str, tls_configured: bool) -> str:
    scheme, rest = _cut(url)
    if scheme in PLAIN_SCHEMES:
        return url
    if scheme not in READING_SCHEMES:
        raise SettingsError(f"CELERY_BROKER_URL: scheme {scheme!r}; slotline reads from {', '.join(READING_SCHEMES)}")
    if scheme == "rediss" and not tls_configured and "ssl_cert_reqs=" not in rest:
        raise SettingsError("CELERY_BROKER_URL: rediss:// needs ?ssl_cert_reqs=required (or optional, none)")
    return f"{READING_SCHEMES[scheme]}://{rest}"


def _cut(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    return scheme, rest
