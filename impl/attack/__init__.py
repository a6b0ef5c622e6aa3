"""Who reads memory modules or kernel memory finds what: start at `attacker`."""
