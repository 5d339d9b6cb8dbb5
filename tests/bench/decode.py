# SPDX-License-Identifier: Apache-2.0
"""A plan beside Avro C's generic reader on the same bytes: see decode.c."""
import os
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.exit(subprocess.run([os.path.join(TOP, "build", "tests", "bench", "decode")]).returncode)
