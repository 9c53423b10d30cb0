"""Model files: reading, checking, converting and writing them, and running Keras."""
