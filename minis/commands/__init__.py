"""The subcommands of `minis`: what they take, and what they print. The work is done elsewhere."""
