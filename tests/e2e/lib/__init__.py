# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end suites share: reporting (suite), servers, the monitor, a workload and its oracle."""
