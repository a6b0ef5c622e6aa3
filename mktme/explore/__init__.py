"""A design explored by hand: its calls as buttons, its properties as lamps, its bytes beside them.

`session` has the whole logic, `server` shows it in a browser, `terminal` in a terminal.
"""
