"""A wearable's GATT server: Bumble's, with the faults that can be set for each step."""

from __future__ import annotations

import asyncio

from bumble import att, hci
from bumble.device import Connection, Device
from bumble.gatt import GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR as CCCD
from bumble.gatt_server import Server
from bumble.keys import MemoryKeyStore

from device.virtual.faults import Faults, Harm, Step

_DISCOVERS = (
    att.ATT_Exchange_MTU_Request,
    att.ATT_Read_By_Group_Type_Request,
    att.ATT_Find_By_Type_Value_Request,
    att.ATT_Read_By_Type_Request,
    att.ATT_Find_Information_Request,
)
_READS = (att.ATT_Read_Request, att.ATT_Read_Blob_Request)
_READABLE = att.Attribute.Permissions.READABLE | att.Attribute.Permissions.READ_REQUIRES_ENCRYPTION
_WRITEABLE = att.Attribute.Permissions.WRITEABLE | att.Attribute.Permissions.WRITE_REQUIRES_ENCRYPTION
_WRITES = (att.ATT_Write_Request, att.ATT_Write_Command, att.ATT_Prepare_Write_Request)


class FaultyServer(Server):
    """Meets the faults before each request, and refuses as a device does that has no bond."""

    def __init__(self, device: Device, faults: Faults) -> None:
        super().__init__(device)
        self._faults = faults
        self._leaving: set[asyncio.Task[None]] = set()

    def on_gatt_pdu(self, bearer: att.Bearer, att_pdu: att.ATT_PDU) -> None:
        """Answer a request, leave it unanswered, or lose the link over it."""
        step = self._step(att_pdu)
        harm = self._faults.meets(step) if step is not None else None
        forbidden = self._forbidden(att_pdu)
        if harm is None and forbidden is not None:
            refusal = att.ATT_Error_Response(
                request_opcode_in_error=att_pdu.op_code,
                attribute_handle_in_error=getattr(att_pdu, "attribute_handle", 0),
                error_code=forbidden,
            )
            self.send_response(bearer, refusal)
        elif harm is None:
            super().on_gatt_pdu(bearer, att_pdu)
        elif harm is Harm.DROP and isinstance(bearer, Connection):
            self.lose(bearer)

    def _forbidden(self, pdu: att.ATT_PDU) -> int | None:
        """Say which error a request gets that its attribute does not allow: Bumble allows everything."""
        if isinstance(pdu, _READS):
            wanted, code = _READABLE, att.ATT_READ_NOT_PERMITTED_ERROR
        elif isinstance(pdu, att.ATT_Write_Request):
            wanted, code = _WRITEABLE, att.ATT_WRITE_NOT_PERMITTED_ERROR
        else:
            return None
        attribute = self.get_attribute(pdu.attribute_handle)
        return code if attribute is not None and not attribute.permissions & wanted else None

    def _step(self, pdu: att.ATT_PDU) -> Step | None:
        if isinstance(pdu, _DISCOVERS):
            return Step.DISCOVERY
        if isinstance(pdu, _READS):
            return Step.READ
        if isinstance(pdu, _WRITES):
            attribute = self.get_attribute(pdu.attribute_handle)
            return Step.SUBSCRIBE if attribute is not None and attribute.type == CCCD else Step.WRITE
        return None

    def lose(self, link: Connection) -> None:
        """Lose a link from within a call that cannot wait."""
        task = asyncio.create_task(drop(link))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def send_response(self, bearer: att.Bearer, response: att.ATT_PDU) -> None:
        """Send a response; without any keys for the other side, encryption is not what is missing."""
        if (
            isinstance(response, att.ATT_Error_Response)
            and response.error_code == att.ATT_INSUFFICIENT_ENCRYPTION_ERROR
            and isinstance(bearer, Connection)
            and not self._knows(bearer)
        ):
            response = att.ATT_Error_Response(
                request_opcode_in_error=response.request_opcode_in_error,
                attribute_handle_in_error=response.attribute_handle_in_error,
                error_code=att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR,
            )
        super().send_response(bearer, response)

    def _knows(self, link: Connection) -> bool:
        keys = self.device.keystore
        return isinstance(keys, MemoryKeyStore) and str(link.peer_address) in keys.all_keys

    def clear(self) -> None:
        """Forget the table, to fill it anew."""
        self.attributes.clear()
        self.attributes_by_handle.clear()
        self.services.clear()
        self.subscribers.clear()


async def drop(link: Connection) -> None:
    """Lose one link, as when the other side has not been heard for too long."""
    try:
        await link.disconnect(hci.HCI_CONNECTION_TIMEOUT_ERROR)
    except hci.HCI_StatusError:
        return  # the other side was quicker
