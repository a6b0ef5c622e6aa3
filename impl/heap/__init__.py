"""Kernel memory: static areas and slab caches in DRAM, seen through KeyID 0."""
