"""Peers: other ways to ask for help, as agents on the same rounds and the same ledger, to compare with."""
