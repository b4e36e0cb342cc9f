"""What a learner runs: the specs that prove the library, and that examine a function of one's own."""
