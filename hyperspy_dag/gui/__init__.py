# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface that ``s.dag_augment()`` opens without labels.

:mod:`.model` holds all of its logic and knows no toolkit; :mod:`.ipywidgets` (Jupyter) and
:mod:`.traitsui` (windows) show it.
"""

from __future__ import annotations
