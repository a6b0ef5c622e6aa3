"""Scripts on a simulated machine.

Read `language` for what a script can say, `script` for how it is read, `session` for what a line
does, and `simulate` for how a script runs.
"""
