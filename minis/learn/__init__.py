"""What a learner runs: the specs that prove the library, and what is made from them."""
