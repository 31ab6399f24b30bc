"""Tokens: verifying those that arrive, obtaining ours."""
