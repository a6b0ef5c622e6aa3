"""The memory manager: start at `manager`, then `mprotect` and `paging`."""
