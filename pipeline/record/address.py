"""The address of a database: one text from which the record's driver and that of the jobs dial the same server.

The record uses asyncpg, the jobs (DBOS) psycopg. An option is taken when both honour it; any other is refused, since
half of the program would go without it.
"""

from urllib.parse import urlencode

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.record.models import StoreError

KNOWN = "sqlite+aiosqlite:///sessions.db or postgresql+asyncpg://user@host/name"

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# libpq's options that asyncpg reads from an address, too, or sends to the server as libpq does.
_BOTH = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
        *("application_name", "options", "passfile", "service", "krbsrvname", "gsslib"),
    }
)

# Options of which some values say what asyncpg does anyway.
_ANYWAY = {
    "channel_binding": ("disable", "prefer"),
    "gssencmode": ("disable", "prefer"),
    # Written for PgBouncer, for which the record needs nothing.
    "prepared_statement_cache_size": ("0",),
    "statement_cache_size": ("0",),
}
_ASYNCPG_ONLY = ("prepared_statement_cache_size", "statement_cache_size")

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LONGEST_TIMEOUT = 600  # seconds

# Where asyncpg looks for a server when an address names no host, in its order; libpq would look in one place.
_ANY_HOST = "/run/postgresql,/var/run/postgresql,/var/pgsql_socket,/private/tmp,/tmp,localhost"


def parse_url(address: str) -> URL:
    """The database that an address names, with the record's driver; its options are named as libpq names them.

    Raises StoreError for an address that cannot be read, and for an option that cannot be honoured.
    """
    try:
        url = make_url(address)
        driver = _DRIVERS.get(url.drivername)
    except (ArgumentError, ValueError) as error:
        raise StoreError(f"The database address cannot be read: write it like {KNOWN}.") from error
    if driver is None:
        raise StoreError(f"There is no database of the kind {url.drivername!r} here: write {KNOWN}.")
    if driver == _DRIVERS["sqlite"]:
        return url.set(drivername=driver)
    if "@" in f"{url.host}{url.database}":
        # Part of the password is then in what we take for the host, and would be shown.
        raise StoreError(
            "The user or password in the database address holds a character that must be written as %40 or the like."
        )
    if url.port is not None:
        _port(str(url.port))
    return _options_checked(url.set(drivername=driver))


def asyncpg_url(url: URL) -> URL:
    """The part of a PostgreSQL address that SQLAlchemy hands to asyncpg: who, where and which database."""
    return url.set(query={name: value for name, value in url.query.items() if name in ("host", "port")})


def asyncpg_dsn(url: URL) -> str:
    """The options of a PostgreSQL address, for asyncpg to read beside that."""
    return "postgresql://?" + urlencode({name: value for name, value in url.query.items() if name in _BOTH})


def connect_timeout(url: URL) -> float | None:
    """Seconds that a connection may take, as a PostgreSQL address says; None where it does not."""
    value = url.query.get("connect_timeout")
    return None if value is None else float(str(value))


def libpq_url(url: URL) -> URL:
    """A PostgreSQL address for psycopg: the same server, with the same options."""
    query = {name: value for name, value in url.query.items() if name not in _ASYNCPG_ONLY}
    if not url.host and not {"host", "service"} & query.keys():
        query["host"] = _ANY_HOST
    return url.set(drivername="postgresql", query=query)


def _options_checked(url: URL) -> URL:
    options: dict[str, str] = {}
    for given, value in url.query.items():
        name = {"ssl": "sslmode", "database": "dbname"}.get(given, given)
        if not isinstance(value, str) or name in options:
            raise _refused(name, "it stands there twice; several hosts are written as host=a,b&port=1,2")
        options[name] = value
    for name, there in (("user", url.username), ("password", url.password), ("dbname", url.database)):
        if name in options and there:
            raise _refused(name, "the address has it already, before the question mark")
    url = url.set(
        username=options.pop("user", url.username),
        password=options.pop("password", url.password),
        database=options.pop("dbname", url.database),
    )
    if (url.host and "host" in options) or (url.port and "port" in options):
        raise _refused("host" if "host" in options else "port", "the address has it already, before the question mark")
    if url.port and "host" in options:
        options["port"], url = str(url.port), url.set(port=None)
    if "port" in options and "host" not in options:
        url = url.set(port=_port(options.pop("port")))
    for name, value in options.items():
        if why := _flaw(name, value):
            raise _refused(name, why)
    return url.set(query=options)


def _flaw(name: str, value: str) -> str:
    """Why an option cannot be honoured; empty where it can."""
    match name:
        case "host":
            return "" if value else "it is empty"
        case "port":
            for one in value.split(","):
                _port(one)
            return ""
        case "sslmode":
            return "" if value in _SSL_MODES else f"expected one of {', '.join(_SSL_MODES)}"
        case "sslrootcert" if value == "system":
            return "the record's driver needs the file of the certificates: name that, such as /etc/ssl/cert.pem"
        case "connect_timeout":
            whole = value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= _LONGEST_TIMEOUT
            return "" if whole else f"expected 1 to {_LONGEST_TIMEOUT}, in seconds"
        case _ if name in _ANYWAY:
            if value in _ANYWAY[name]:
                return ""
            return f"the record's driver cannot do that; leave it out, or write {' or '.join(_ANYWAY[name])}"
        case _:
            known = sorted({"host", "port", "connect_timeout", *_BOTH, *_ANYWAY} - {*_ASYNCPG_ONLY})
            return "" if name in _BOTH else f"what can be said there is {', '.join(known)}"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 65536):
        raise _refused("port", "expected a number from 1 to 65535")
    return int(text)


def _refused(name: str, why: str) -> StoreError:
    return StoreError(f"The option {name!r} in the database address cannot be honoured: {why}.")
