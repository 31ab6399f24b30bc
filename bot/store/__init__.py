"""The only room with SQL: one definition of the tables for SQLite and PostgreSQL.

A call goes: `SqlStore` (store.py) -> a worker thread (workers.py) -> one `SqlTransaction` (transaction.py).
"""
