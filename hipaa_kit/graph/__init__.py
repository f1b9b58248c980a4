"""What follows from the tables taken together: failure domains, reachability, permissions, paths."""
