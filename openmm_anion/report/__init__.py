"""The report of a study: one self-contained page, and a figure for print."""
