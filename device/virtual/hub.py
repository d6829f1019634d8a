"""The air in a process of its own: other processes, or this machine's kernel, get a controller from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bumble import hci
from bumble.device import Device
from bumble.link import LocalLink
from bumble.transport import open_transport
from bumble.transport.common import Transport

from device.errors import AdapterError
from device.virtual.plumbing import PacketStream, VirtualController, host_on, plug
from device.virtual.radio import quiet
from device.virtual.wearable import Wearable


class Hub:
    """Wearables in the air, and whoever listens from outside; an async context manager."""

    def __init__(self) -> None:
        self._link: LocalLink | None = None
        self._wearables: list[Wearable] = []
        self._streams: set[PacketStream] = set()
        self.listeners = 0

    async def __aenter__(self) -> Self:
        quiet()
        self._link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble left its __init__ unannotated
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wearable in self._wearables:
            await wearable.detach()
        for stream in list(self._streams):
            stream.close()
        self._link = None

    @property
    def _on(self) -> LocalLink:
        if self._link is None:
            raise RuntimeError("the hub is only there inside its `async with` block")
        return self._link

    async def add(self, wearable: Wearable) -> None:
        """Switch a wearable on."""
        _, device = plug(self._on, wearable.configuration)
        await wearable.attach(device)
        self._wearables.append(wearable)

    @asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        """Give every process that connects to the unix socket a controller of its own, while the block lasts.

        The socket is for this user only. Raises `AdapterError` when it cannot be made.
        """
        loop = asyncio.get_running_loop()
        try:
            _remove(path)
            server = await loop.create_unix_server(self._listener, path)
            os.chmod(path, 0o600)
        except OSError as e:
            raise AdapterError(
                f"The socket {path} could not be made: {e.strerror or e}.", "Give another path with --socket."
            ) from e
        async with server:
            try:
                yield
            finally:
                _remove(path)

    def _listener(self) -> PacketStream:
        controller = VirtualController("adapter", link=self._on)
        stream = PacketStream(lambda: self._parted(controller, stream))
        stream.set_packet_sink(controller)
        controller.set_packet_sink(stream)
        self._streams.add(stream)
        self.listeners += 1
        return stream

    def _parted(self, controller: VirtualController, stream: PacketStream) -> None:
        """End the connections of a process that went away without a word."""
        self._streams.discard(stream)
        self.listeners -= 1
        controller.set_packet_sink(None)
        for link in list(controller.le_connections.values()):
            controller.on_hci_disconnect_command(
                hci.HCI_Disconnect_Command(
                    connection_handle=link.handle, reason=hci.HCI_CONNECTION_TIMEOUT_ERROR
                )
            )
        self._on.remove_controller(controller)

    @asynccontextmanager
    async def kernel(self, spec: str = "vhci") -> AsyncIterator[None]:
        """Be an adapter of this machine's kernel, through /dev/vhci (Linux, root), while the block lasts.

        Raises `AdapterError` when that device cannot be opened.
        """
        transport = await _opened(spec, "Load the kernel module hci_vhci, and run this as root.")
        async with transport:
            controller = VirtualController("adapter", link=self._on)
            # With these, the kernel's reconnecting fails: the virtual controller has them by half only.
            features = hci.LeFeatureMask
            controller.le_features &= ~(features.LL_PRIVACY | features.LE_EXTENDED_ADVERTISING)
            transport.source.set_packet_sink(controller)
            controller.set_packet_sink(transport.sink)
            try:
                yield
            finally:
                self._on.remove_controller(controller)
                server = getattr(transport, "server", None)
                if server is not None:  # Bumble leaves the listening socket of a server open
                    server.close()


@asynccontextmanager
async def on_controller(wearable: Wearable, spec: str) -> AsyncIterator[None]:
    """Be one wearable on the air of a controller, like the real one of "usb:0", while the block lasts.

    A controller is one device: more wearables need more of them. `spec` is a transport in Bumble's words.
    Raises `AdapterError` when there is none.
    """
    quiet()
    transport = await _opened(spec, "Plug one in, and let no other program use it.")
    async with transport:
        device: Device = host_on(wearable.configuration, transport.source, transport.sink)
        await wearable.attach(device)
        try:
            yield
        finally:
            await wearable.detach()


def _remove(path: Path) -> None:
    """Remove a socket, and nothing else, that an earlier process left there."""
    if path.is_socket():
        path.unlink()


async def _opened(spec: str, remedy: str) -> Transport:
    try:
        return await open_transport(spec)
    except Exception as e:  # USB and vhci have their own; all of them mean that there is no controller
        raise AdapterError(f"There is no Bluetooth controller at {spec}: {e}.", remedy) from e
