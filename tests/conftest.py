"""What holds for all tests."""

from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of the kit.
settings.register_profile("hipaa_kit", deadline=None, print_blob=True)
settings.load_profile("hipaa_kit")
