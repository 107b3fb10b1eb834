"""Reading SNMP agents: v2c with a community, v3 with user, authentication and privacy.

One socket for all v2c devices and one engine for each set of v3 credentials (an engine knows one key for a user name).
Asks scalars in one request and tables by GETBULK, some columns at once; looks nothing up in MIBs, which costs most of
the time. An agent that is asked with a wrong community says nothing at all, so that this looks like a time-out; v3
tells the difference. Bounds: time-out and tries of the mapping file, `rows` of a table, 40 requests a poll, 128
engines.
Source: RFC 3416, RFC 3414; the library pysnmp.
"""

from collections.abc import Sequence
from typing import Any

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v1arch import asyncio as v1
from pysnmp.hlapi.v3arch import asyncio as v3
from pysnmp.proto import errind
from pysnmp.proto.rfc1902 import Null, OctetString
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from manara.network.telemetry.devices import (
    ADDRESS,
    AUTH,
    BAD_DATA,
    TIMEOUT,
    UNREACHABLE,
    Credentials,
    DeviceFault,
    DeviceSpec,
)
from manara.network.telemetry.found import Found, host_port
from manara.network.telemetry.profiles import SnmpProfile, SnmpReading

SCALARS_A_REQUEST = 20
CELLS_A_REQUEST = 48  # fits into one datagram of 1,472 bytes
ROWS_AT_FIRST = 9
MOST_REQUESTS = 40
MOST_ENGINES = 128
ONLY_AGAIN_POLLS = 20  # what kind of port a row is seldom changes

_AUTHENTICATION = {
    "": v3.USM_AUTH_NONE,
    "md5": v3.USM_AUTH_HMAC96_MD5,
    "sha1": v3.USM_AUTH_HMAC96_SHA,
    "sha224": v3.USM_AUTH_HMAC128_SHA224,
    "sha256": v3.USM_AUTH_HMAC192_SHA256,
    "sha384": v3.USM_AUTH_HMAC256_SHA384,
    "sha512": v3.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    "": v3.USM_PRIV_NONE,
    "des": v3.USM_PRIV_CBC56_DES,
    "aes128": v3.USM_PRIV_CFB128_AES,
    "aes192": v3.USM_PRIV_CFB192_AES,
    "aes256": v3.USM_PRIV_CFB256_AES,
}
_REFUSED = (
    errind.UnknownUserName,
    errind.WrongDigest,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.DecryptionError,
    errind.UnsupportedSecurityLevel,
    errind.UnsupportedAuthProtocol,
    errind.UnsupportedPrivProtocol,
    errind.NotInTimeWindow,
    errind.UnknownCommunityName,
)
_NOT_ALLOWED_STATUS = (6, 16)  # noAccess, authorizationError
_NOTHING = (NoSuchObject, NoSuchInstance, EndOfMibView, Null)

Row = tuple[str, Any]


class SnmpShared:
    """Sockets and engines that devices share."""

    def __init__(self) -> None:
        self._dispatcher: Any = None
        self._engines: dict[Credentials, Any] = {}

    def dispatcher(self) -> Any:
        """What sends v2c requests."""
        if self._dispatcher is None:
            self._dispatcher = v1.SnmpDispatcher()
        return self._dispatcher

    def engine(self, credentials: Credentials) -> Any:
        """The v3 engine of these credentials. Raises `DeviceFault` when there are too many different ones."""
        if credentials not in self._engines:
            if len(self._engines) >= MOST_ENGINES:
                raise DeviceFault(AUTH, f"more than {MOST_ENGINES} different SNMPv3 credentials; let devices share one")
            self._engines[credentials] = v3.SnmpEngine()
        return self._engines[credentials]

    def close(self) -> None:
        """Close the sockets."""
        if self._dispatcher is not None:
            self._dispatcher.transport_dispatcher.close_dispatcher()
            self._dispatcher = None
        for engine in self._engines.values():
            engine.close_dispatcher()
        self._engines.clear()


class SnmpPoller:
    """One agent."""

    def __init__(self, spec: DeviceSpec, profile: SnmpProfile, credentials: Credentials, shared: SnmpShared) -> None:
        self._host, self._port, _ = host_port(spec.address, 161)
        self._credentials = credentials
        if not credentials.community and not credentials.username:
            raise DeviceFault(AUTH, "an SNMP device needs a community (v2c) or a user name (v3)")
        if credentials.privacy_protocol and not credentials.auth_protocol:
            raise DeviceFault(AUTH, "SNMPv3 privacy needs an authentication protocol too")
        self._shared = shared
        self._profile = profile
        self._scalars = [entry for entry in profile.reading if not entry.column]
        self._columns = [entry for entry in profile.reading if entry.column]
        self._target: Any = None
        self._only: set[str] | None = None
        self._polls = 0
        self._rows = ROWS_AT_FIRST
        self._requests = 0

    async def poll(self) -> list[Found]:
        """Scalars, then tables. Raises `DeviceFault`."""
        self._requests = 0
        found: list[Found] = []
        for first in range(0, len(self._scalars), SCALARS_A_REQUEST):
            entries = self._scalars[first : first + SCALARS_A_REQUEST]
            rows = await self._ask([entry.oid for entry in entries], 0)
            found += [
                Found(entry, "", _raw(value))
                for entry, (oid, value) in zip(entries, rows, strict=False)
                if oid == entry.oid
            ]
        if self._columns:
            found += await self._tables()
        self._polls += 1
        return found

    async def close(self) -> None:
        """The sockets are shared; nothing of its own is open."""
        self._target = None

    # ---- inside

    async def _tables(self) -> list[Found]:
        only_oid = self._profile.snmp.only_oid
        if only_oid is not None and (self._only is None or self._polls % ONLY_AGAIN_POLLS == 0):
            kinds = await self._walk([only_oid])
            self._only = {index for index, value in kinds[only_oid] if _raw(value) in self._profile.snmp.only_values}
        table = await self._walk([entry.oid for entry in self._columns])
        found = []
        for entry in self._columns:
            for index, value in table[entry.oid]:
                if self._only is None or index in self._only:
                    found.append(Found(entry, index, _raw(value)))
        return found

    async def _walk(self, oids: Sequence[str]) -> dict[str, list[Row]]:
        """All rows of columns: column → (index, value)."""
        rows: dict[str, list[Row]] = {oid: [] for oid in oids}
        at = {oid: oid for oid in oids}  # column → where it goes on
        while at:
            columns = list(at)
            # as many rows as the table had, and one more to see its end: what is beyond costs time for nothing
            repetitions = max(1, min(self._rows + 1, CELLS_A_REQUEST // len(columns)))
            answer = await self._ask([at[oid] for oid in columns], repetitions)
            if not answer:
                break
            went_on: dict[str, str] = {}
            ended: set[str] = set()
            for number, (oid, value) in enumerate(answer):
                column = columns[number % len(columns)]
                index = oid.removeprefix(column + ".")
                if column in ended:
                    continue
                if index == oid or isinstance(value, _NOTHING) or len(rows[column]) >= self._profile.snmp.rows:
                    ended.add(column)
                    continue
                if oid == went_on.get(column, at[column]):
                    raise DeviceFault(BAD_DATA, f"the agent goes round in its table at {oid[:60]}")
                rows[column].append((index, value))
                went_on[column] = oid
            at = {column: oid for column, oid in went_on.items() if column not in ended}
        self._rows = max(len(found) for found in rows.values())
        return rows

    async def _ask(self, oids: Sequence[str], repetitions: int) -> list[Row]:
        """One request: GET, or GETBULK where `repetitions` is given."""
        self._requests += 1
        if self._requests > MOST_REQUESTS:
            raise DeviceFault(BAD_DATA, f"more than {MOST_REQUESTS} requests would be needed; is the mapping right?")
        try:
            indication, status, at, rows = await self._send(oids, repetitions)
        except PySnmpError as error:
            self._target = None
            raise DeviceFault(UNREACHABLE, f"{self._host}: {str(error)[:120]}") from error
        except (OSError, ValueError) as error:
            self._target = None
            raise DeviceFault(ADDRESS, f"{self._host}:{self._port} cannot be asked: {str(error)[:120]}") from error
        if indication is not None:
            raise self._fault(indication)
        if int(status):
            why = AUTH if int(status) in _NOT_ALLOWED_STATUS else BAD_DATA
            raise DeviceFault(why, f"the agent refuses: {status.prettyPrint()} at value {int(at)}")
        return [(str(oid), value) for oid, value in rows]

    async def _send(self, oids: Sequence[str], repetitions: int) -> Any:
        credentials, part = self._credentials, self._profile.snmp
        if not credentials.username:
            if self._target is None:
                self._target = await v1.UdpTransportTarget.create(
                    (self._host, self._port), timeout=part.timeout_s, retries=part.retries
                )
            asked = [(oid, Null("")) for oid in oids]
            community = v1.CommunityData(credentials.community, mpModel=1)  # noqa: S508 - what old switches speak
            dispatcher = self._shared.dispatcher()
            if repetitions:
                return await v1.bulk_cmd(dispatcher, community, self._target, 0, repetitions, *asked, lookupMib=False)
            return await v1.get_cmd(dispatcher, community, self._target, *asked, lookupMib=False)
        engine = self._shared.engine(credentials)
        if self._target is None:
            self._target = await v3.UdpTransportTarget.create(
                (self._host, self._port), timeout=part.timeout_s, retries=part.retries
            )
        user = v3.UsmUserData(
            credentials.username,
            authKey=credentials.auth_password or None,
            privKey=credentials.privacy_password or None,
            authProtocol=_AUTHENTICATION[credentials.auth_protocol],
            privProtocol=_PRIVACY[credentials.privacy_protocol],
        )
        objects = [v3.ObjectType(v3.ObjectIdentity(oid)) for oid in oids]
        if repetitions:
            return await v3.bulk_cmd(
                engine, user, self._target, v3.ContextData(), 0, repetitions, *objects, lookupMib=False
            )
        return await v3.get_cmd(engine, user, self._target, v3.ContextData(), *objects, lookupMib=False)

    def _fault(self, indication: Any) -> DeviceFault:
        if isinstance(indication, errind.RequestTimedOut):
            hint = "" if self._credentials.username else " (a wrong community looks the same)"
            if self._credentials.privacy_protocol:
                hint = " (a wrong privacy password looks the same)"
            return DeviceFault(TIMEOUT, f"{self._host}:{self._port} does not answer SNMP{hint}")
        if isinstance(indication, _REFUSED):
            return DeviceFault(AUTH, f"{self._host}:{self._port} refuses the credentials: {indication}")
        return DeviceFault(BAD_DATA, f"{self._host}:{self._port}: {str(indication)[:120]}")


def _raw(value: Any) -> object:
    """A value as a number or text; None where there is none."""
    if isinstance(value, _NOTHING):
        return None
    if isinstance(value, OctetString):
        return bytes(value)[:64].decode("ascii", "replace")
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value)[:64]


__all__ = ["SnmpPoller", "SnmpReading", "SnmpShared"]
