# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and signals: what is written and read, and how."""
