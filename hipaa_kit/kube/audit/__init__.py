"""The API server's audit log: what a policy lets it hold, and which requests a review needs to find in it."""
