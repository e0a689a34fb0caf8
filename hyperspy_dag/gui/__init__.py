# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface that ``s.dag_augment()`` opens without labels.

:mod:`.model` has its logic without a toolkit. :mod:`.ipywidgets` (Jupyter) and :mod:`.traitsui`
(windows) display it.
"""

from __future__ import annotations
