"""The phone companion: a page that the box itself serves over the home network, and its API for makers.

    application(box)                the ASGI application: API under /api/v1, the page under /
    pairing.offer(store, role, …)   lets a phone in: a secret for its QR code; `confirm` when digits agree
    clients_in(store), revoke(…)    who may look, and who no more
    server.serve(app, …)            serves it with the box's own certificate

Everything is asked of the store by `Box.do`; who may ask what is decided in access.py and views.py.
"""

from healthslm.companion.app import application
from healthslm.companion.box import Box
from healthslm.companion.clients import Client, Role, clients_in, revoke

__all__ = ["Box", "Client", "Role", "application", "clients_in", "revoke"]
