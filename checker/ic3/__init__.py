"""IC3: a proof from clauses that are inductive relative to earlier ones. Read `search` first."""
