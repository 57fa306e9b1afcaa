"""What the API answers, as models: one module per resource. They describe; the answers themselves are made elsewhere."""
