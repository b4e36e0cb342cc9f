"""What keeps the book true: its code runs, its outputs and figures are what that code gives.

chapter    a chapter's code and the output it shows, read from Markdown
running    the code of a chapter run from top to bottom, and compared or written
comparing  two texts compared, their numbers as numbers
figures    two SVG files compared
links      links that lead nowhere
measured   tables and charts of measured times
exercises  the exercises of a chapter, cut out of their solutions
notebooks  the same chapters as notebooks
site       the same chapters as a site
"""
