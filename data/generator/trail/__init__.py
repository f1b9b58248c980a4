"""The audit log of the clinic: who asked its API servers for what in the last thirty days, thinned.

A real log of such a cluster has some hundred million lines in that time. This one keeps of what repeats all day a
heartbeat alone, so that no server is ever silent for long, and of everything else what happened a few times a day.
"""
