# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m hyperspy_dag``: the program ``hyperspy-dag``."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":  # processes of --n-jobs import this module too
    main()
