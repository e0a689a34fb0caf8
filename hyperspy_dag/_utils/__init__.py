# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of arguments and warnings that every room uses."""
