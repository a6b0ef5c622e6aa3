"""The results as one page: a file that opens from disk and needs nothing from anywhere."""
