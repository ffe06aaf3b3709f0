"""A study as one page that a person reads: pictures, words and tables in a single file."""
