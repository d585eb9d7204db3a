"""Instruments: what is asked. XLSForm in, an immutable schema, its rules and its codec out (docs/adr/0005)."""
