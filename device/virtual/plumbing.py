"""The plumbing between Bumble's hosts and its virtual controllers, in one process or over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bumble import hci, ll
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink, BaseSource, TransportSink, TransportSource

_EVENT, _ACL = 4, 2
_ATT_CID = (4, 0)
_NOTIFICATION = 0x1B
_CONTINUED = 0x10  # of the packet boundary flag, which is in the upper half of the handle's second byte


_REPORTS = (hci.HCI_LE_Extended_Advertising_Report_Event, hci.HCI_LE_Advertising_Report_Event)
_RESPONSES = (
    hci.HCI_LE_Extended_Advertising_Report_Event.EventType.SCAN_RESPONSE,
    hci.HCI_LE_Advertising_Report_Event.EventType.SCAN_RSP,
)


class VirtualController(Controller):
    """Bumble's virtual controller, with the one command that it acknowledges without doing anything.

    It writes no log of each packet, which costs more than all else that Bumble does to it.
    """

    _answer = b""

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Stop waiting for the device, so that the next connection may be asked for."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            asyncio.get_running_loop().call_soon(self._tell_cancelled, pending.peer_address)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _tell_cancelled(self, peer: hci.Address) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        """Advertise, with the answer that an active scanner gets: Bumble's air has no place for that."""
        sets = (advertising.scan_response_data for advertising in self.advertising_sets.values())
        answer = bytes(next(sets, self.le_legacy_advertiser.scan_response_data))
        for other in self.link.controllers:
            if other is not self and isinstance(other, VirtualController):
                asyncio.get_running_loop().call_soon(other.hear, packet, answer)

    def hear(self, packet: ll.AdvertisingPdu, answer: bytes) -> None:
        """Hear an advertisement, and what its sender answers to a scanner."""
        self._answer = answer
        self.on_ll_advertising_pdu(packet)
        self._answer = b""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the host through the event loop, so that no call nests into the other side."""
        if isinstance(packet, _REPORTS) and packet.reports[0].event_type in _RESPONSES:
            packet.reports[0].data = self._answer
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))


class QuietHost(Host):
    """Bumble's host without a line of log for each packet."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the controller."""
        if self.hci_sink:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take a packet of the controller."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        else:
            super().on_hci_packet(packet)


class Shortcut:
    """Takes the controller's packets in front of the host, and hands notifications to who subscribed at once.

    Of a notification nothing but its handle and its value matters, and Bumble parses, formats and copies it
    five times over. Everything else goes to the host as it is, in the order in which it came.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.device: Device | None = None

    def on_packet(self, packet: bytes) -> None:
        """Take one packet."""
        if (
            packet[0] == _ACL
            and len(packet) >= 12
            and packet[9] == _NOTIFICATION
            and (packet[7], packet[8]) == _ATT_CID
            and not packet[2] & _CONTINUED
            and (packet[5] | packet[6] << 8) == len(packet) - 9
            and self.device is not None
        ):
            link = self.device.connections.get(packet[1] | (packet[2] & 0x0F) << 8)
            if link is not None and link.gatt_client is not None:
                handle = packet[10] | packet[11] << 8
                for subscriber in link.gatt_client.notification_subscribers.get(handle, ()):
                    if callable(subscriber):
                        subscriber(packet[12:])
                return
        self._host.on_packet(packet)

    def on_transport_lost(self) -> None:
        """Tell the host that the controller is gone."""
        self._host.on_transport_lost()  # type: ignore[no-untyped-call]


def plug(link: LocalLink, config: DeviceConfiguration) -> tuple[VirtualController, Device]:
    """Make a controller on the link, and a host device on top of it."""
    controller = VirtualController(config.name, link=link)
    # Packets pass through the event loop, as from a real controller: no call nests into the other side.
    return controller, host_on(config, controller, AsyncPipeSink(controller))


def host_on(config: DeviceConfiguration, source: Controller | TransportSource, sink: TransportSink) -> Device:
    """Make a host device on a controller, wherever that is."""
    host = QuietHost(controller_sink=sink)
    shortcut = Shortcut(host)
    source.set_packet_sink(shortcut)
    device = Device(config=config, host=host)
    shortcut.device = device
    return device


class PacketStream(asyncio.Protocol, BaseSource):
    """HCI packets over a stream socket, both ways: what is sent in one turn of the loop goes in one piece.

    Ends the connection on bytes that are no HCI packet. `lost` is called when the connection has ended.
    """

    def __init__(self, lost: Callable[[], None] | None = None) -> None:
        BaseSource.__init__(self)
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""
        self._waiting: list[bytes] = []
        self._lost = lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be connected."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101  a stream's always is
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        """Tell those at both ends of the stream."""
        self._transport = None
        self.on_transport_lost()
        if self._lost is not None:
            self._lost()

    def data_received(self, data: bytes) -> None:
        """Cut what came into packets."""
        buffer, at = self._buffer + data, 0
        sink, end = self.sink, len(buffer)
        while sink is not None and at + 3 <= end:
            if buffer[at] == _ACL:
                if at + 5 > end:
                    break
                size = 5 + (buffer[at + 3] | buffer[at + 4] << 8)
            elif buffer[at] == _EVENT:
                size = 3 + buffer[at + 2]
            elif buffer[at] == 1:  # a command
                if at + 4 > end:
                    break
                size = 4 + buffer[at + 3]
            else:
                self.close()
                return
            if at + size > end:
                break
            sink.on_packet(buffer[at : at + size])
            at += size
        self._buffer = buffer[at:]

    def on_packet(self, packet: bytes) -> None:
        """Send a packet, together with what else is sent in this turn of the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._waiting.append(packet)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._transport is not None:
            self._transport.write(b"".join(waiting))

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()
