"""`python -m hipaa_kit`."""

import sys

from hipaa_kit.cli import main

sys.exit(main())
