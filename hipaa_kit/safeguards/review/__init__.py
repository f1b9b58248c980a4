"""Review: whether safeguards are evaluated, decided about, tracked and documented, and records of that stand."""
