"""Every state that a system reaches, by NumPy arrays or by machine code."""
