"""What must still be told: claim -> send -> settle.

`outbox` runs a `pump` for each destination that has something due (`chats`, `webhooks`); `schedule` says when a failed
try is made again; `attempts` has the words for what comes of a try, and counts.
"""
