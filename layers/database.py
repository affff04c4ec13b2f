"""A PostgreSQL server: what its address may say, how one comes in, and what is told when it refuses.

A password never stands in an address: libpq takes it from the environment or from files made for it, and what
libpq says is searched for it before anybody reads it. Reading is one read-only transaction that sees one state
of the tables. Knows no table and no shape; the driver (psycopg) is loaded when a server is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from layers.errors import ParkwiseError, ProjectError, SourceError, Words

if TYPE_CHECKING:
    import psycopg

__all__ = ["CONNECT_SECONDS", "STATEMENT_SECONDS", "connect", "is_database", "require_address"]

#: A statement, or the next rows of one, may take so long where neither server nor user sets another limit.
STATEMENT_SECONDS = 600
#: So long is waited for the server to answer, where the user sets nothing else.
CONNECT_SECONDS = 10

_SCHEMES = ("postgresql://", "postgres://")
_SECRETS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
_LONGEST = 300


def is_database(location: object) -> bool:
    """Whether a source is the address of a PostgreSQL server.

    Examples
    --------
    >>> is_database("postgresql://gis.example/land"), is_database("parcels.gpkg")
    (True, False)
    """
    return isinstance(location, str) and location.strip().lower().startswith(_SCHEMES)


def require_address(address: str) -> None:
    """Refuse an address that bears a password, or is written in another way than as a URL.

    Parameters
    ----------
    address : str
        ``postgresql://[user@]host[:port]/database[?setting=value…]``; a path is let through.

    Raises
    ------
    ProjectError
        A password stands in it, or it is a list of settings; it is not repeated.

    Examples
    --------
    >>> require_address("postgresql://planner@gis.example:5432/land?sslmode=require")
    """
    if not is_database(address):
        if re.search(r"^\s*PG:|\bpassword\s*=", address, re.IGNORECASE):
            raise ProjectError(
                "A source is written as settings of a database (not shown here). Expected the address as "
                "postgresql://user@host/database, and the password in PGPASSWORD, PGPASSFILE or PGSERVICE.",
                "来源写成了数据库连接参数（此处不显示）。地址应写为 postgresql://用户@主机/数据库，"
                "密码请放在 PGPASSWORD、PGPASSFILE 或 PGSERVICE 中。",
            )
        return
    rest = address.partition("://")[2]
    user, at, _ = rest.rpartition("@")
    _, _, settings = rest.partition("?")
    names = {unquote(one.partition("=")[0]).strip().lower() for one in re.split("[&?]", settings)}
    if (at and ":" in unquote(user)) or names & _SECRETS:
        raise ProjectError(
            "A password stands in a postgresql:// address (not shown here). Expected postgresql://user@host/database; "
            "give the password in the environment (PGPASSWORD), in the password file (PGPASSFILE, ~/.pgpass) "
            "or in a service (PGSERVICE), and change it if others have seen the file.",
            "postgresql:// 地址中写有密码（此处不显示）。应为 postgresql://用户@主机/数据库；密码请放在环境变量 "
            "PGPASSWORD、密码文件（PGPASSFILE，~/.pgpass）或服务文件（PGSERVICE）中；若他人看过该文件，请更换密码。",
        )


@contextmanager
def connect(
    address: str, what: str = "", *, kind: type[ParkwiseError] = SourceError, write: bool = False
) -> Iterator[psycopg.Connection]:
    """Open one transaction on a server; it is committed when the block ends well, else nothing has happened.

    Parameters
    ----------
    address : str
    what : str
        The table that is asked for, for messages.
    kind : type
        Of the error that is raised where the server refuses.
    write : bool
        Else the transaction is read-only and sees the tables as they were at its start.

    Raises
    ------
    ProjectError
        A password stands in the address, or the driver is not installed.
    ParkwiseError
        Of `kind`: the server is down, refuses, or goes away.
    """
    require_address(address)
    driver = _driver(address)
    settings = {} if "connect_timeout" in address else _patience()
    try:
        opened = driver.connect(
            address.strip(), client_encoding="UTF8", fallback_application_name="parkwise", **settings
        )
    except (driver.Error, ValueError) as error:
        raise kind(*_closed(address, _reason(error))) from None
    shown = f"{address} {what}".strip()
    password = opened.info.password
    try:
        with opened as connection:
            connection.read_only = not write
            connection.isolation_level = None if write else driver.IsolationLevel.REPEATABLE_READ
            _settle(connection)
            yield connection
    except driver.Error as error:
        raise kind(*_refused(shown, error, password, broken=opened.broken)) from None
    except UnicodeDecodeError as error:
        raise kind(*_not_text(shown, error)) from None
    finally:
        opened.close()


def _driver(address: str) -> Any:  # noqa: ANN401  (a module)
    try:
        # Only those who work with a database need it.
        import psycopg as driver  # noqa: PLC0415
    except ImportError as error:
        raise ProjectError(
            f"{address}: reading PostGIS needs a package that is not installed here ({error}). Install "
            "parkwise[postgis] (pip install 'psycopg[binary]'), or export the table to a GeoPackage.",
            f"{address}：读取 PostGIS 所需的软件包未安装（{error}）。请安装 parkwise[postgis]"
            "（pip install 'psycopg[binary]'），或将表导出为 GeoPackage。",
        ) from None
    return driver


def _patience() -> dict[str, int]:
    return {} if os.environ.get("PGCONNECT_TIMEOUT") else {"connect_timeout": CONNECT_SECONDS}


def _settle(connection: psycopg.Connection) -> None:
    """Bound every statement, unless somebody has; give dates and rows in one form on every server."""
    connection.execute(
        "SELECT set_config('statement_timeout', %s, true) WHERE current_setting('statement_timeout') = '0'",
        (str(STATEMENT_SECONDS * 1000),),
    )
    connection.execute("SET LOCAL datestyle = 'ISO'")
    connection.execute("SET LOCAL synchronize_seqscans = off")


# ---------------------------------------------------------------- what is told


def _reason(error: Exception, password: str = "") -> str:
    """What the server says, in one line, without any password."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    text = " ".join(str(primary or error or type(error).__name__).split())
    secrets = {password, os.environ.get("PGPASSWORD", ""), _tried(error)}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _tried(error: Exception) -> str:
    """The password of an attempt that failed, which may come from a file."""
    try:
        return bytes(error.pgconn.password).decode("utf-8", "replace")  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001  (the attempt may have ended before there was any)
        return ""


def _closed(address: str, why: str) -> Words:
    """No connection: the database does not exist, the role may not come in, or nobody answers."""
    said_en, said_zh = f" The server says: {why.rstrip('.?')}", f"服务器回应：{why.rstrip('.?')}"
    if re.search(r"database \S+ does not exist|数据库 \S+ 不存在", why):
        return Words(
            f"{address}: there is no such database.{said_en}. Mend the name at the end of the address "
            "(psql -l lists those there are).",
            f"{address}：没有这个数据库。{said_zh}。请改正地址末尾的名称（psql -l 可列出现有数据库）。",
        )
    if re.search(r"password|authentication|pg_hba|role \S+ does not exist|密码|角色", why):
        return Words(
            f"{address}: the server lets nobody in so.{said_en}. Check the user (PGUSER, or user@ in the address) "
            "and give the password in PGPASSWORD, in the password file (PGPASSFILE) or in a service (PGSERVICE).",
            f"{address}：服务器拒绝登录。{said_zh}。请核对用户（PGUSER 或地址中的 用户@），"
            "密码请放在 PGPASSWORD、密码文件（PGPASSFILE）或服务文件（PGSERVICE）中。",
        )
    return Words(
        f"{address}: no server answers.{said_en}. Check that PostgreSQL runs, the host and port of the address, "
        f"and that this machine may reach them (waited {CONNECT_SECONDS} s at most, PGCONNECT_TIMEOUT sets it).",
        f"{address}：服务器没有应答。{said_zh}。请确认 PostgreSQL 正在运行、地址中的主机和端口正确且本机可以访问"
        f"（最多等待 {CONNECT_SECONDS} 秒，可用 PGCONNECT_TIMEOUT 设定）。",
    )


def _refused(shown: str, error: psycopg.Error, password: str, *, broken: bool) -> Words:
    """The connection stands, or stood, and a statement failed."""
    why, state = _reason(error, password), error.sqlstate or ""
    if state == "42501":
        return Words(
            f"{shown}: the role may not do this ({why}). Ask its owner for the right: GRANT USAGE ON SCHEMA … and "
            "GRANT SELECT ON … TO the role; for writing results GRANT CREATE ON DATABASE ….",
            f"{shown}：当前角色没有权限（{why}）。请向所有者申请：GRANT USAGE ON SCHEMA …、GRANT SELECT ON … TO 角色；"
            "写出结果需要 GRANT CREATE ON DATABASE …。",
        )
    if state == "57014":
        return Words(
            f"{shown}: the server stopped a statement ({why}); the limit is {STATEMENT_SECONDS} s, if not set. "
            "Ask for less (bbox, query), add an index, or set a longer one: PGOPTIONS='-c statement_timeout=30min'.",
            f"{shown}：服务器中止了语句（{why}）；未另设时上限为 {STATEMENT_SECONDS} 秒。请缩小范围（bbox、query）、"
            "建立索引，或放宽时限：PGOPTIONS='-c statement_timeout=30min'。",
        )
    if state == "25006":
        return Words(
            f"{shown}: the query would change the database ({why}). Expected a SELECT; sources are only read.",
            f"{shown}：查询会改动数据库（{why}）。应为 SELECT；数据源只读。",
        )
    if state == "2BP01":
        return Words(
            f"{shown}: others depend on what would be replaced ({why}). Nothing was written; drop those views first, "
            "or write into another schema.",
            f"{shown}：有其他对象依赖要覆盖的内容（{why}）。未写入任何内容；请先删除这些视图，或写入其他模式。",
        )
    if broken or state.startswith(("08", "57P")):
        return Words(
            f"{shown}: the connection broke off ({why}). Nothing was kept of it, nothing is half written; "
            "see that the server is up and run again.",
            f"{shown}：连接中断（{why}）。未保留任何内容，未留下不完整的结果；请确认服务器正常后重试。",
        )
    return Words(
        f"{shown}: the database refuses ({why}). Mend the query or the table, and try it in psql first.",
        f"{shown}：数据库拒绝执行（{why}）。请改正查询或表，可先在 psql 中试运行。",
    )


def _not_text(shown: str, error: UnicodeDecodeError) -> Words:
    return Words(
        f"{shown}: text in it is not UTF-8 ({error.reason}): the database has no encoding of its own (SQL_ASCII). "
        "Load it into a database made with ENCODING 'UTF8', or export the table to a GeoPackage.",
        f"{shown}：其中的文字不是 UTF-8（{error.reason}）：数据库未设编码（SQL_ASCII）。"
        "请导入以 ENCODING 'UTF8' 建立的数据库，或将表导出为 GeoPackage。",
    )
