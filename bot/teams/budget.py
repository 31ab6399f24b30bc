"""How often the bot may speak in one chat."""

from __future__ import annotations

from collections import OrderedDict, deque

WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""At most so many messages in any so many seconds.

Source: learn.microsoft.com "Optimize your bot with rate limiting", per bot per thread, send to conversation.
"""
MAX_CHATS = 10_000


class Budget:
    """Hands out the moments at which something may be sent into a chat, in the order they were asked for.

    Remembers the `MAX_CHATS` chats spoken to last. Replicas don't know of each other: what they overspend together is
    answered 429 and sent again.
    """

    def __init__(self) -> None:
        self._chats: OrderedDict[str, deque[float]] = OrderedDict()

    def reserve(self, chat: str, *, now: float, patience: float) -> tuple[bool, float]:
        """Take the next free moment in `chat`.

        Returns:
            Whether it was taken, and the seconds from `now` until it comes. When it comes later than `patience`
            seconds, it is left to others.
        """
        moments = self._chats.setdefault(chat, deque())
        self._chats.move_to_end(chat)
        if len(self._chats) > MAX_CHATS:
            self._chats.popitem(last=False)
        while moments and moments[0] <= now - WINDOWS[-1][1]:
            moments.popleft()
        moment = now
        for most, seconds in WINDOWS:
            if len(moments) >= most:
                moment = max(moment, moments[-most] + seconds)
        wait = moment - now
        if wait > patience:
            return False, wait
        moments.append(moment)
        return True, wait
