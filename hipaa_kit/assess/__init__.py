"""The facade: runs the checks, weighs their findings, rolls them up by citation."""
