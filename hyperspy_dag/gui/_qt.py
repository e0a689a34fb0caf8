# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in a Qt window."""

from __future__ import annotations

from typing import Any

from pyface.qt import QtCore, QtGui
from traitsui.basic_editor_factory import BasicEditorFactory
from traitsui.qt.editor import Editor


class _Label(QtGui.QLabel):
    """Show a picture as large as possible, with its aspect ratio."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = QtGui.QPixmap()
        self.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(480, 135)

    def show_png(self, png: bytes) -> None:
        self._whole = QtGui.QPixmap()
        self._whole.loadFromData(png)
        self._fit()

    def sizeHint(self) -> Any:
        empty = self._whole.isNull()
        return (
            QtCore.QSize(640, 180)
            if empty
            else self._whole.size().scaled(760, 2000, QtCore.Qt.AspectRatioMode.KeepAspectRatio)
        )

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._whole.isNull():
            self.clear()
            return
        self.setPixmap(
            self._whole.scaled(
                self.size(),
                QtCore.Qt.AspectRatioMode.KeepAspectRatio,
                QtCore.Qt.TransformationMode.SmoothTransformation,
            )
        )


class _PngEditor(Editor):
    scrollable = True

    def init(self, parent: Any) -> None:
        self.control = _Label()

    def update_editor(self) -> None:
        self.control.show_png(self.value)


class PngEditor(BasicEditorFactory):
    """Editor of a trait that holds the bytes of a PNG."""

    klass = _PngEditor


class _CanvasEditor(Editor):
    scrollable = True

    def init(self, parent: Any) -> None:
        self.control = QtGui.QWidget()
        self.control.setMinimumSize(420, 320)
        self.control.setMaximumSize(720, 550)
        self._canvas: Any = None
        QtGui.QVBoxLayout(self.control)

    def update_editor(self) -> None:
        if self._canvas is not None:
            self._canvas.setParent(None)
            self._canvas = None
        if self.value is not None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg

            self._canvas = FigureCanvasQTAgg(self.value.figure)
            self.control.layout().addWidget(self._canvas)


class CanvasEditor(BasicEditorFactory):
    """Editor of a trait that holds a picture with a Matplotlib figure that is clicked on."""

    klass = _CanvasEditor
