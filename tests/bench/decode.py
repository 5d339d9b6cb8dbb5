# SPDX-License-Identifier: Apache-2.0
"""A plan beside Avro C's generic reader, and beside simdjson's bare parse, on the same bytes: see decode.c and
decode_json.cc."""
import os
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.exit(max(subprocess.run([os.path.join(TOP, "build", "tests", "bench", name)]).returncode
             for name in ("decode", "decode_json")))
