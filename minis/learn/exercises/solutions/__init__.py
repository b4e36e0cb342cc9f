"""The exercises' solutions, which their statements, stubs and hints are cut out of.

A solution is a module. Its docstring is the exercise's title and statement. What stands between
`# your turn` and `# end of your turn` is what a learner writes. Comments that begin with `#
hint:` after it are the hints, in order.
"""
