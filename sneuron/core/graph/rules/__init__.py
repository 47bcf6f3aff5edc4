"""Rules of connection: one plain function each."""
