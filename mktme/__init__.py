"""What a person runs: the command line, and how answers are said.

Read `judge` for what one answer is made of, `matrix` for many of them, `words` and `render` for how
they are shown, `record` for their JSON, `statuses` for what the process answers, and `cli` for the
commands. Scripts: read `forms` for the language, `script` for how it is read, `session` for what a
line does, and `simulate` for how a script runs.
"""
