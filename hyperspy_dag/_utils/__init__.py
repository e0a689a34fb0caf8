# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks, warnings and random streams for all packages."""
