"""The app package: what an admin uploads to Teams. `python -m manifest` builds it."""
