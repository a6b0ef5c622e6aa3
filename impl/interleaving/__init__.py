"""Every interleaving of operations: start at `explorer`, whose prose argues its soundness."""
