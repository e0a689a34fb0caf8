# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m hyperspy_dag`` is ``hyperspy-dag``, where that is not on the path."""

from __future__ import annotations

from .cli import main

if __name__ == "__main__":  # processes of --n-jobs import this module too
    main()
