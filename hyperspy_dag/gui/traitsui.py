# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in a window."""

from __future__ import annotations

from typing import Any

import traitsui.api as tu
from hyperspy_gui_traitsui.utils import add_display_arg
from traits.etsconfig.api import ETSConfig
from traitsui.menu import Action
from traitsui.tabular_adapter import TabularAdapter

from .model import AugmentationTool
from .sampling_step import CONDITIONS


class _Handler(tu.Handler):
    """Handle the buttons."""

    def do_train(self, info: Any) -> None:
        info.object.train()

    def do_stop(self, info: Any) -> None:
        info.object.stop()

    def do_save(self, info: Any) -> None:
        info.object.save()

    def do_draw(self, info: Any) -> None:
        info.object.draw()

    def do_classify(self, info: Any) -> None:
        info.object.map.classify()

    def do_save_map(self, info: Any) -> None:
        info.object.map.save()

    def do_add(self, info: Any) -> None:
        info.object.add_region()

    def do_remove(self, info: Any) -> None:
        info.object.remove_region()

    def do_plot(self, info: Any) -> None:
        info.object.show_plot()

    def closed(self, info: Any, is_ok: bool) -> None:
        info.object.close()


class _Classes(TabularAdapter):
    columns = [("Class", "name"), ("Spectra", "spectra"), ("Epoch", "epoch"), ("State", "state")]


_BUTTONS = [
    Action(name="Train", action="do_train", enabled_when="can_train"),
    Action(name="Stop", action="do_stop", enabled_when="can_stop"),
    Action(name="Draw again", action="do_draw", enabled_when="can_draw"),
    Action(name="Save", action="do_save", enabled_when="can_save"),
    Action(name="Classify", action="do_classify", enabled_when="can_classify"),
    Action(name="Save map", action="do_save_map", enabled_when="can_save_map"),
    Action(name="Add region", action="do_add", enabled_when="editable"),
    Action(name="Remove region", action="do_remove", enabled_when="editable and len(regions) > 0"),
    Action(name="Show plot", action="do_plot"),
]


def _said(name: str) -> tu.Item:
    return tu.Item(
        name,
        editor=tu.TextEditor(multi_line=True, readonly_allow_selection=True),
        style="readonly",
        show_label=False,
        visible_when=f"{name} != ''",
    )


def _item(name: str, label: str = "", **options: Any) -> tu.Item:
    shown = {"label": label} if label else {}
    return tu.Item(name, enabled_when="editable", **shown, **options)


def _range(on: str, label: str, low: str) -> tu.HGroup:
    number = tu.TextEditor(evaluate=float, auto_set=False, enter_set=True, format_str="%.2f")
    return tu.HGroup(
        _item(on, label),
        _item(f"{low}_low", "from", editor=number, width=-80),
        _item(f"{low}_high", "to", editor=number, width=-80),
        tu.Label("eV"),
    )


def _regions(two: bool) -> tu.Item:
    limits = ("left", "right", "top", "bottom")[: 4 if two else 2]
    row = tu.View(tu.HGroup(tu.Item("name"), *(tu.Item(one, width=-60) for one in limits)))
    return tu.Item(
        "regions",
        editor=tu.ListEditor(
            style="custom", editor=tu.InstanceEditor(view=row), mutable=False, rows=3
        ),
        style="custom",
        show_label=False,
        enabled_when="editable",
        visible_when="label_source == 'drawn'",
    )


def _sampling() -> tu.Item:
    """The conditions under which spectra are drawn, which are typed."""
    fields = (
        tu.Item(name, label=called, tooltip=meaning, width=-90)
        for name, (called, meaning) in CONDITIONS.items()
    )
    view = tu.View(
        tu.Label("Numbers, or ranges to draw from such as -0.2 to 0.4; empty: as labelled"),
        tu.VGrid(*fields, columns=3),
    )
    return tu.Item(
        "sampling",
        editor=tu.InstanceEditor(view=view),
        style="custom",
        show_label=False,
        enabled_when="editable",
    )


def _map_step() -> tu.Item:
    """The last step: another map."""
    number = tu.TextEditor(evaluate=int, auto_set=False, enter_set=True)
    canvas = []
    if ETSConfig.toolkit.startswith("qt"):
        from ._qt import CanvasEditor

        canvas = [tu.Item("picture", editor=CanvasEditor(), show_label=False)]
    view = tu.View(
        tu.HGroup(
            tu.VGroup(
                tu.Item("source", label="Map", editor=tu.EnumEditor(name="sources")),
                tu.Item(
                    "source_file",
                    label="File",
                    editor=tu.FileEditor(dialog_style="open"),
                    visible_when="source == 'a file'",
                ),
                tu.Item("adapting", label="Adapt to it first"),
                tu.Item("low_loss", editor=tu.EnumEditor(name="low_losses")),
                *map(_said, ("status", "error", "notes", "found")),
                tu.Item("filename", label="File of the map", visible_when="phases is not None"),
                tu.Item("overwrite", visible_when="phases is not None"),
            ),
            *canvas,
            tu.VGroup(
                *_picture("spectrum_picture"),
                tu.HGroup(tu.Item("column", editor=number), tu.Item("row", editor=number)),
                visible_when="phases is not None",
            ),
        )
    )
    return tu.Item("map", editor=tu.InstanceEditor(view=view), style="custom", show_label=False)


def _picture(name: str) -> list[tu.Item]:
    if not ETSConfig.toolkit.startswith("qt"):
        return []
    from ._qt import PngEditor

    return [tu.Item(name, editor=PngEditor(), show_label=False)]


@add_display_arg
def augmentation_widget(
    obj: AugmentationTool, **kwargs: Any
) -> tuple[AugmentationTool, dict[str, Any]]:
    """Return the model and its view."""
    two = obj.signal.axes_manager.navigation_dimension == 2
    train = tu.HGroup(
        tu.VGroup(
            tu.VGroup(
                _item("label_source", "From", editor=tu.EnumEditor(name="label_sources")),
                _item(
                    "label_file",
                    "File",
                    editor=tu.FileEditor(dialog_style="open"),
                    visible_when="label_source == 'file'",
                ),
                _regions(two),
                label="1. Labels",
                show_border=True,
            ),
            tu.VGroup(
                _range("subtract", "Subtract background", "background"),
                _range("crop", "Crop", "signal"),
                _item("picking", "Drag on the plot"),
                label="2. Energies",
                show_border=True,
            ),
            tu.VGroup(
                _item("design"),
                _said("design_help"),
                _item("recipe"),
                _said("recipe_help"),
                _item("architecture"),
                _said("architecture_help"),
                _item("training", "Train"),
                _item("random_state", "Seed"),
                _item("max_epochs", "Epochs at most (0: the recipe's)"),
                label="3. Training",
                show_border=True,
            ),
            tu.VGroup(
                tu.Item("status", style="readonly", show_label=False),
                _said("problem"),
                _said("notes"),
                _said("error"),
                _said("verdict"),
                label="State",
                show_border=True,
            ),
            tu.VGroup(
                _item("n_spectra", "Spectra per class"),
                _sampling(),
                _item("filename", "File"),
                _item("overwrite"),
                label="4. Synthetic spectra",
                show_border=True,
            ),
        ),
        tu.VGroup(
            *_picture("input_picture"),
            tu.Item(
                "classes",
                editor=tu.TabularEditor(adapter=_Classes(), editable=False),
                show_label=False,
                height=-120,
            ),
            tu.Item(
                "shown",
                label="Shown",
                editor=tu.EnumEditor(name="shown_choices"),
                enabled_when="editable and len(shown_choices) > 0",
            ),
            *_picture("training_picture"),
        ),
        label="Train and draw",
    )
    view = tu.View(
        tu.Tabbed(train, tu.VGroup(_map_step(), label="5. Another map")),
        handler=_Handler(),
        buttons=_BUTTONS,
        title="Data augmentation",
        kind="live",
        resizable=True,
    )
    return obj, {"view": view}
