"""One file per thing a person does. They think on plain values: no HTTP, no SDK, no SQL, no environment.

| file | what |
|---|---|
| `conversation` | answers a message or a pressed button, once, and remembers that it did |
| `commands` | the table of commands: what a message or a button means, and who does it |
| `unfurl` | a pasted link becomes a card |
| `connections` | `connect`, `disconnect`, `records` |
| `timeline`, `notes` | `timeline`, `note` |
| `why` | `why` |
| `lifecycle` | the bot or people come to a chat or leave it, chats are renamed or deleted |
| `records` | the record system creates, changes and deletes records |
| `settings` | apps, record types |
| `command`, `scene`, `references` | what several of them need: what is asked, who asks where, which record is meant |
"""
