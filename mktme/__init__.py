"""What a person runs: the command line, and how answers are said.

Read `judge` for what one answer is made of, `matrix` for many of them, `words` and `render` for how
they are shown, `record` for their JSON, `statuses` for what the process answers, and `cli` for the
commands. `simulation` runs scripts.
"""
