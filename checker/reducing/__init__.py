"""Which states may stand for which others, proved before use. Read `reduction` first."""
