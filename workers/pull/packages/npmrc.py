"""npm's settings for a machine that has no npm: its environment variables and `.npmrc` files, in npm's order.

The registry, its token, proxies and certificates are read; all else has no meaning for one download.
"""

from __future__ import annotations

import re
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

REGISTRY = "https://registry.npmjs.org"
PREFIX = "npm_config_"
GLOBAL = ("/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc")


@dataclass(frozen=True)
class Npmrc:
    """npm's settings by their names in lower case."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str], project: Path) -> Self:
        """The settings of this environment in the folder `project`: variables, its file, the user's, the machine's."""
        given = {
            name[len(PREFIX) :].lower(): value
            for name, value in environment.items()
            if name.lower().startswith(PREFIX) and value
        }
        user = given.get("userconfig") or str(Path.home() / ".npmrc")
        machine = [given["globalconfig"]] if "globalconfig" in given else [*GLOBAL]
        files = [*machine[::-1], user, str(project / ".npmrc")]
        values: dict[str, str] = {}
        for file in files:
            values |= parse(_text(Path(file)), environment)
        return cls({**values, **given})

    @property
    def registry(self) -> str:
        """The registry's URL, without `/` at its end."""
        return self.values.get("registry", REGISTRY).rstrip("/")

    @property
    def authorization(self) -> str:
        """The header's value for the registry; empty: it asks for none."""
        place = self.registry.partition(":")[2] + "/"
        while place.count("/") > 2:
            if token := self.values.get(f"{place}:_authtoken"):
                return f"Bearer {token}"
            if basic := self.values.get(f"{place}:_auth"):
                return f"Basic {basic}"
            place = place.rstrip("/").rpartition("/")[0] + "/"
        return ""

    def opener(self) -> urllib.request.OpenerDirector:
        """What opens URLs with the proxies and certificates of these settings; else with those of the system."""
        proxies = urllib.request.getproxies()
        if proxy := self.values.get("https-proxy") or self.values.get("https_proxy") or self.values.get("proxy"):
            proxies |= {"https": proxy, "http": self.values.get("proxy") or proxy}
        if (urlsplit(self.registry).hostname or "") in self.values.get("noproxy", "").split(","):
            proxies = {}
        context = ssl.create_default_context()
        if file := self.values.get("cafile"):
            context.load_verify_locations(file)
        if self.values.get("strict-ssl") == "false":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers = (urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)


def parse(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in the text of an `.npmrc`; `${NAME}` is a variable of the environment. Pure."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith((";", "#")):
            value = re.sub(r"\$\{([^}]+)\}", lambda match: environment.get(match[1], match[0]), value.strip())
            found[name.strip().lower()] = value.strip("\"'")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
