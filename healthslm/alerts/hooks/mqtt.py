"""A hook that is an MQTT broker, where Home Assistant finds alerts, vitals and the heartbeat by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from healthslm.alerts.hooks.base import HOST, LOOPBACK, TIME_LIMIT, Base, Clock, trusted
from healthslm.alerts.hooks.homeassistant import HomeAssistant, Known, Message, known
from healthslm.alerts.payload import HEARTBEAT, SCHEMA, VITALS, Form, Occasion
from healthslm.clock import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    import aiomqtt
    from paho.mqtt.properties import Properties

_TOPIC = r"^[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+){0,9}$"
"""No wildcard, no empty level, no `$SYS`, nothing that is no letter: topics as everybody can read them."""
PREFIX = "homeassistant"
"""Where Home Assistant looks for what there is, unless somebody has set that otherwise."""
_PACKET = 1 << 20
"""Bytes of the longest message that the broker may send us."""
_LATE_S = 0.25
"""Some brokers send what they retain a little later than what passes through."""
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.disabled = True  # what goes wrong is raised; what it says besides is for its authors


class MqttHook(Base):
    """A broker that speaks MQTT 5. It is told below `topic`, and what there is below `PREFIX`.

    The way there is by TLS and the certificate is checked; in the clear only to this machine itself. The
    user must be allowed to read and write below both topics: which alerts are open is read back, and so is
    what was just published, since a broker says of nothing that it was not allowed to.
    """

    extra: ClassVar[str] = "hooks"
    kind: Literal["mqtt"] = "mqtt"
    host: str = Field(pattern=HOST)
    port: int = Field(default=8883, ge=1, le=65535)
    tls: bool = True
    user: str = Field(default="", max_length=1000)
    password: str = Field(default="", max_length=1000, repr=False)
    topic: str = Field(default="healthslm", max_length=100, pattern=_TOPIC)
    over: bool = True

    @field_validator("over")
    @classmethod
    def _always(cls, _over: bool) -> bool:
        return True  # what was switched on has to be switched off

    @model_validator(mode="after")
    def _can_be(self) -> MqttHook:
        if not self.tls and self.host not in LOOPBACK:
            raise ValueError("must be encrypted: an alert does not cross a network in the clear")
        if ".." in self.host:
            raise ValueError("the broker's name cannot be")
        if self.form is not Form.HEALTHSLM:
            raise ValueError("FHIR is for a webhook or a command")
        return self

    @property
    def hosts(self) -> tuple[str, ...]:
        """The broker."""
        return (self.host,)

    @property
    def target(self) -> str:
        """Where it goes."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def ready(self) -> None:
        """Load what a call needs."""
        try:
            import aiomqtt  # noqa: F401, PLC0415  an extra
        except ImportError as error:
            raise self.missing("aiomqtt") from error

    async def call(
        self, payload: str, *, key: str = "", clock: Clock = utc_now, limit: float = TIME_LIMIT
    ) -> None:
        """Publish what a payload says; a repetition says the same again."""
        self.ready()
        visit = _Visit(self, payload, clock(), limit)
        try:
            async with asyncio.timeout(limit):
                await asyncio.to_thread(visit.make)
        except TimeoutError as error:
            raise self.failed(f"{self.target} {visit.waits_for} within {limit:g} s.") from error


class _Visit:
    """One connection: what is published in it, and what it waits for.

    It has a thread and an event loop of its own. The library watches sockets, which not every system's loop
    does; and an attempt that is given up it leaves to finish by itself: here that ends with the loop.
    """

    def __init__(self, hook: MqttHook, payload: str, now: datetime, limit: float) -> None:
        self._hook, self._payload, self._now, self._limit = hook, payload, now, limit
        self._words = HomeAssistant(PREFIX, hook.topic, hook.tell, hook.rules, hook.vitals, hook.vitals_s)
        self.waits_for = "did not answer"

    def make(self) -> None:
        """Connect, publish, leave. Raises `HookError`."""
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._make())

    async def _make(self) -> None:
        import aiomqtt  # noqa: PLC0415  see `ready`
        from aiomqtt.exceptions import MqttConnectError  # noqa: PLC0415  see `ready`

        hook = self._hook
        client = aiomqtt.Client(
            hook.host,
            hook.port,
            username=hook.user or None,
            password=hook.password or None,
            protocol=aiomqtt.ProtocolVersion.V5,
            tls_context=_checked() if hook.tls else None,
            properties=_properties("CONNECT", MaximumPacketSize=_PACKET),
            timeout=self._limit,
            logger=_SILENT,
        )
        try:
            async with asyncio.timeout(self._limit), client:
                await self._publish(client, await self._messages(client))
        except TimeoutError as error:
            raise hook.failed(f"{hook.target} {self.waits_for} within {self._limit:g} s.") from error
        except MqttConnectError as error:
            raise hook.failed(f"{hook.target} did not let us in: {hook.readable(error)}.") from error
        except (aiomqtt.MqttError, OSError, UnicodeError) as error:
            raise hook.failed(f"{hook.target} did not take it: {hook.readable(error)}.") from error
        except (ValueError, TypeError, LookupError) as error:
            raise hook.failed("it was given what it has no words for.") from error
        finally:
            # Where it was never let in, the library keeps the socket open.
            with suppress(TimeoutError, aiomqtt.MqttError):
                async with asyncio.timeout(0):
                    await client.__aexit__(None, None, None)

    async def _messages(self, client: aiomqtt.Client) -> list[Message]:
        told, words = json.loads(self._payload), self._words
        if told["schema"] == VITALS:
            return list(words.readings(told["vitals"], self._now))
        if told["schema"] == HEARTBEAT:
            return list(words.heartbeat(told))
        if told["schema"] != SCHEMA:
            raise ValueError(told["schema"])
        if told["occasion"] == Occasion.TEST:
            return [*words.everything(self._hook.heartbeat_min * 60), words.test(self._payload)]
        before, whole = await self._known(client)
        return list(words.alert(told, before, whole=whole))

    async def _known(self, client: aiomqtt.Client) -> tuple[Known, bool]:
        """Read back which alerts are open: an hour ago it may have been another process that told of them."""
        question, here = secrets.token_hex(8).encode(), f"{self._words.topic}/asked"
        await self._listen(client, [self._words.alert_topic, here], retained=True)
        await client.publish(here, question, qos=1)
        # When the question comes back, the broker has looked at what it retains, and sent it or soon will.
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as patience:
                async for message in client.messages:
                    if message.retain and str(message.topic) == self._words.alert_topic:
                        return known(message.payload, self._hook.tell)
                    if message.payload == question:
                        patience.reschedule(asyncio.get_running_loop().time() + _LATE_S)
        return {}, True

    async def _publish(self, client: aiomqtt.Client, messages: Sequence[Message]) -> None:
        if not messages:
            return
        await self._listen(client, [message.topic for message in messages], retained=False)
        missing = {(message.topic, message.text.encode()) for message in messages}
        for message in messages:
            more = {"MessageExpiryInterval": message.expires} if message.expires else {}
            await client.publish(
                message.topic,
                message.text,
                qos=1,
                retain=message.retain,
                properties=_properties("PUBLISH", **more),
            )
        async for heard in client.messages:
            missing.discard((str(heard.topic), heard.payload))
            if not missing:
                return

    async def _listen(self, client: aiomqtt.Client, topics: Sequence[str], *, retained: bool) -> None:
        from paho.mqtt.subscribeoptions import SubscribeOptions  # noqa: PLC0415  see `ready`

        old = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if retained else SubscribeOptions.RETAIN_DO_NOT_SEND
        how = SubscribeOptions(qos=1, retainHandling=old)
        hook = self._hook
        self.waits_for = f"did not let {hook.user or 'us'} read and write below {hook.topic}/ and {PREFIX}/"
        for code in await client.subscribe([(topic, how) for topic in dict.fromkeys(topics)]):
            if not isinstance(code, int) and code.is_failure:
                raise hook.failed(f"{hook.target} {self.waits_for}: {code}.")


def _properties(packet: str, **values: int) -> Properties:
    """Return what MQTT 5 lets a packet say besides."""
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415  see `ready`
    from paho.mqtt.properties import Properties  # noqa: PLC0415  see `ready`

    said = Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(said, name, value)
    return said


class _Tidy(ssl.SSLSocket):
    """Closes itself where the handshake fails: the library leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _checked() -> ssl.SSLContext:
    """Return what checks the broker's certificate and name."""
    context = trusted("mqtt")
    context.sslsocket_class = _Tidy
    return context
