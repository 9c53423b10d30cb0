"""Programs that write parts of the project: docs, examples, starter set, model card."""
