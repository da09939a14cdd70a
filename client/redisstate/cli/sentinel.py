"""URLs of servers that sentinels watch, for which redis-py has no form:

    redis+sentinel://[[user]:password@]host[:port][,host[:port] …]/service[/db][?options]

The hosts are the sentinels', all else is the servers'; ``sentinel_username``, ``sentinel_password`` and other options
that begin so are for the sentinels. ``rediss+sentinel`` is TLS for both.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

SCHEMES = ("redis+sentinel://", "rediss+sentinel://")
PORT = 26379
SECONDS_TO_ANSWER = 5
"""How long a sentinel is waited for, before the next one is asked."""

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]@]+))(?::(?P<port>[0-9]{1,5}))?")


def is_url(url: str) -> bool:
    return url.lower().startswith(SCHEMES)


def primary(url: str, **settings: Any) -> Any:
    """A client of the primary that the sentinels name, each time that it connects.

    ``settings`` are those of all connections. Raises ValueError and TypeError for a URL that is none.
    """
    from redis import connection, sentinel

    parsed: Any = connection.parse_url  # neither has types
    group: Any = sentinel.Sentinel

    scheme, _, rest = url.partition("://")
    rest, mark, options = rest.partition("?")
    credentials, at, rest = rest.rpartition("@")
    hosts, _, path = rest.partition("/")
    service, _, database = path.partition("/")
    if not service or not re.fullmatch("[0-9]*", database):
        raise ValueError("it has no name of a service, or a database that is no number")
    plain = scheme.lower().removesuffix("+sentinel")
    of_servers: dict[str, Any] = parsed(f"{plain}://{credentials}{at}localhost/{database}{mark}{options}")
    del of_servers["host"]
    is_secure = of_servers.pop("connection_class", None) is not None
    of_sentinels = {"socket_timeout": SECONDS_TO_ANSWER, **settings}
    for name in list(of_servers):
        if name.startswith("sentinel_"):
            of_sentinels[name.removeprefix("sentinel_")] = of_servers.pop(name)
        elif name.startswith("ssl_"):
            of_sentinels[name] = of_servers[name]
    if is_secure:
        of_servers["ssl"] = of_sentinels["ssl"] = True
    sentinels = group([_address(host) for host in hosts.split(",")], sentinel_kwargs=of_sentinels)
    return sentinels.master_for(unquote(service), **{**settings, **of_servers})


def _address(host: str) -> tuple[str, int]:
    found = _HOST.fullmatch(host)
    if found is None or int(found["port"] or PORT) > 65535:
        raise ValueError("a host is host, or host:port")
    return found["ipv6"] or found["name"], int(found["port"] or PORT)
