"""Ways to search, each in a file of its own; all ask for points of the unit cube and are told what came of them."""
