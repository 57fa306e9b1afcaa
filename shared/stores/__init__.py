"""Table and Queue Storage: everything the hub remembers lives here; no business rule does."""
