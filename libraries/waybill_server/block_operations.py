"""What the client frames about block lists do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill_server.client_frames import AskBlocks, Block, Unblock
from waybill_server.records import Blocked, BlockRequest, Result
from waybill_server.refusing import Refuse, check_name, refused
from waybill_server.server_frames import BlockList

if TYPE_CHECKING:
    from waybill_server.session import Session


def block(session: Session, frame: Block) -> None:
    """Puts a user on the caller's block list."""
    if frame.user == session.user:
        raise Refuse("malformed", "nobody blocks themselves")
    _change(session, frame.ref, frame.user, blocked=True)


def unblock(session: Session, frame: Unblock) -> None:
    """Takes a user off the caller's block list."""
    _change(session, frame.ref, frame.user, blocked=False)


def ask_blocks(session: Session, frame: AskBlocks) -> None:
    """Answers with the caller's block list."""
    users = session.services.store.permissions.blocked(session.user)
    session.answer(BlockList(frame.ref, list(users)))


def _change(session: Session, ref: int, other: str, *, blocked: bool) -> None:
    check_name(session, other)

    def done(result: Result) -> None:
        if isinstance(result, Blocked):
            session.answer(BlockList(ref, list(result.users)))
            session.services.presence.hid(session.user, other)
        else:
            refused(session, ref, result)
        session.answered()

    session.submit(BlockRequest(done, session.user, other, blocked))
