"""Programs that write parts of the project: docs, pictures, examples, starter set, model card."""
