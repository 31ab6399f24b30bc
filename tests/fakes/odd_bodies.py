"""Bodies that no Teams sends: sent to the parser and, over the wire, to the running server."""

from __future__ import annotations

import json
from typing import Any

_BASE: dict[str, Any] = {
    "type": "message",
    "id": "odd",
    "channelId": "msteams",
    "serviceUrl": "http://127.0.0.1:9/",
    "from": {"id": "u", "name": "U", "aadObjectId": "u"},
    "recipient": {"id": "b", "name": "B"},
    "conversation": {"id": "19:odd@thread.v2", "conversationType": "groupChat"},
    "text": "help",
}


def _with(**changes: Any) -> bytes:
    return json.dumps(_BASE | changes).encode()


def _without(*names: str) -> bytes:
    return json.dumps({name: value for name, value in _BASE.items() if name not in names}).encode()


ODD_BODIES: dict[str, bytes] = {
    "empty": b"",
    "spaces": b"   \n",
    "not json": b"hello",
    "half json": b'{"type":"message"',
    "two values": b'{"type":"message"} {}',
    "null": b"null",
    "true": b"true",
    "number": b"42",
    "text": b'"message"',
    "list": b"[]",
    "list of activities": b"[" + _with() + b"]",
    "empty object": b"{}",
    "NaN": b'{"type":"message","value":NaN}',
    "Infinity": b'{"type":"message","value":-Infinity}',
    "huge number": b'{"type":"message","value":' + b"9" * 10_000 + b"}",
    "huge exponent": b'{"type":"message","value":1e999999}',
    "bad utf-8": b'{"type":"mess\xff\xfeage"}',
    "utf-16": '{"type":"message"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + _with(),
    "overlong utf-8": b'{"type":"\xc0\xaf"}',
    "lone surrogate": b'{"type":"message","text":"\\ud800"}',
    "surrogate in a name": _with(**{"from": {"id": "u", "name": "\ud83d"}}),
    "NUL in an id": _with(conversation={"id": "19:\x00"}),
    "100,000 lists deep": b"[" * 100_000,
    "100,000 objects deep": b'{"a":' * 100_000,
    "closed lists deep": b'{"type":"message","value":' + b"[" * 900 + b"]" * 900 + b"}",
    "70 deep": b'{"type":"message","value":' + b"[" * 70 + b"]" * 70 + b"}",
    "long type": _with(type="m" * 10_000),
    "type null": _with(type=None),
    "type number": _with(type=1),
    "type list": _with(type=["message"]),
    "type empty": _with(type=""),
    "unknown type": _with(type="unheardOf"),
    "from null": _with(**{"from": None}),
    "from text": _with(**{"from": "u"}),
    "from list": _with(**{"from": [{"id": "u"}]}),
    "from without id": _with(**{"from": {}}),
    "from id number": _with(**{"from": {"id": 5}}),
    "aadObjectId object": _with(**{"from": {"id": "u", "aadObjectId": {"$ne": None}}}),
    "conversation null": _with(conversation=None),
    "conversation text": _with(conversation="19:x"),
    "conversation empty": _with(conversation={}),
    "conversation id list": _with(conversation={"id": ["19:x"]}),
    "conversation id long": _with(conversation={"id": "19:" + "x" * 5000}),
    "no conversation": _without("conversation"),
    "no from": _without("from"),
    "no recipient": _without("recipient"),
    "no serviceUrl": _without("serviceUrl"),
    "serviceUrl number": _with(serviceUrl=1),
    "text number": _with(text=5),
    "text object": _with(text={"a": 1}),
    "entities text": _with(entities="x"),
    "entities of null": _with(entities=[None]),
    "mention without text": _with(entities=[{"type": "mention"}]),
    "mention of lists": _with(entities=[{"type": "mention", "text": [], "mentioned": []}]),
    "attachments object": _with(attachments={"a": 1}),
    "attachment content number": _with(attachments=[{"contentType": "text/html", "content": 5}]),
    "unclosed html": _with(attachments=[{"contentType": "text/html", "content": "<a href='" * 2000}]),
    "channelData list": _with(channelData=[]),
    "channelData tenant text": _with(channelData={"tenant": "x", "team": 5, "channel": []}),
    "membersAdded of null": _with(type="conversationUpdate", membersAdded=[None]),
    "membersAdded without ids": _with(type="conversationUpdate", membersAdded=[{}]),
    "update without channelData": _with(type="conversationUpdate", membersAdded=[{"id": "x"}]),
    "invoke without name": _with(type="invoke"),
    "invoke with odd name": _with(type="invoke", name="no/such"),
    "invoke value list": _with(type="invoke", name="composeExtension/queryLink", value=[]),
    "invoke url object": _with(type="invoke", name="composeExtension/queryLink", value={"url": {"a": 1}}),
    "invoke action text": _with(type="invoke", name="adaptiveCard/action", value={"action": "x"}),
    "invoke verb list": _with(type="invoke", name="adaptiveCard/action", value={"action": {"verb": []}}),
    "invoke record object": _with(
        type="invoke", name="adaptiveCard/action", value={"action": {"verb": "connect", "data": {"record": {}}}}
    ),
    "value verb object": _with(text=None, value={"verb": {}}),
    "delivery mode number": _with(deliveryMode=1),
    "80 kB of mentions": _with(
        text="<at>B</at>" * 8000, entities=[{"type": "mention", "text": "<at>B</at>", "mentioned": {"id": "b"}}] * 50
    ),
}
