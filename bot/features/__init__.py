"""One file per thing a person does. They think on plain values: no HTTP, no SDK, no SQL, no environment.

| file | what |
|---|---|
| `conversation` | answers a message or a pressed button, once, and remembers that it did |
| `dispatch` | which feature a command or a button means |
| `unfurl` | a pasted link becomes a card |
| `connections` | `connect`, `disconnect`, `records` |
| `timeline`, `notes` | `timeline`, `note` |
| `why`, `help` | `why`, `help`, the welcome |
| `lifecycle` | the bot or people come to a chat or leave it, chats are renamed or deleted |
| `records` | the record system creates, changes and deletes records |
| `settings` | apps, record types |
| `scene`, `references` | what several of them need: who asks where, and which record is meant |
"""
