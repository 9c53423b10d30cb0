"""Reports to print: what was looked at, who wore a mask, and how far that can be relied on.

``photos`` and ``footage`` collect what a report says, in the visitor's language, as ``content``;
``html`` and ``pdf`` write it, with the curves of ``chart``; ``panel`` is what the pages show.
"""
