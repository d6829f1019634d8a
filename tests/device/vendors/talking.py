"""A device that answers as a script says: what a conversation is tested with."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from device.errors import LinkError
from device.vendors import Conversation

Answers = Callable[[str, bytes], Iterable[tuple[str, bytes]]]


class ScriptedTalk:
    """Answers each write with the values that `answers` gives, as if the device had sent them.

    `written` holds what was written, `heard` what came out of the conversation's frames. Ends the talk with
    `LinkError` once `most` writes were made, as a lost link would.
    """

    def __init__(
        self,
        conversation: Conversation,
        answers: Answers,
        *,
        reads: Mapping[str, bytes] | None = None,
        most: int = 100,
    ) -> None:
        self.conversation = conversation
        self.answers = answers
        self.reads = dict(reads or {})
        self.most = most
        self.written: list[tuple[str, bytes]] = []
        self.heard: list[tuple[str, bytes]] = []

    async def write(self, characteristic: str, value: bytes) -> None:
        if len(self.written) == self.most:
            raise LinkError("the link ended.")
        self.written.append((characteristic, value))
        for name, answer in self.answers(characteristic, value):
            self.heard.extend(self.conversation.frames(name, answer))

    async def read(self, characteristic: str) -> bytes:
        if characteristic not in self.reads:
            raise LinkError(f"reading {characteristic} failed.")
        return self.reads[characteristic]


def pieces(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut a stream of bytes at the given places."""
    at = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[a:b] for a, b in pairwise(at)]
