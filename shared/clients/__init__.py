"""How each system is spoken to: one package per system, and what they share. No business rule lives here."""
