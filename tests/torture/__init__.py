"""What must not break under kill -9, stopped replicas and load: runs with a seed, counted.

`make test` runs small versions (`tests/test_crash.py`, `tests/test_replicas.py`), `make torture` the long ones.
"""
