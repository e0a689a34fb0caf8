# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in Jupyter."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as ipw
from hyperspy_gui_ipywidgets.utils import add_display_arg
from link_traits import link

from .model import AugmentationTool
from .regions import Region

_WIDE = ipw.Layout(width="auto", min_width="8em")
_TICK = ipw.Layout(width="14em")
_NARROW = ipw.Layout(width="7em")


@add_display_arg
def augmentation_widget(obj: AugmentationTool, **kwargs: Any) -> dict[str, Any]:
    """Return the widget, and its parts in ``wdict``."""
    parts = {
        "label_source": ipw.Dropdown(options=[(v, k) for k, v in obj.label_sources.items()]),
        "label_file": ipw.Text(placeholder="labels.npy", continuous_update=False),
        "subtract": ipw.Checkbox(description="Subtract background", indent=False, layout=_TICK),
        "background_low": ipw.FloatText(layout=_NARROW),
        "background_high": ipw.FloatText(layout=_NARROW),
        "crop": ipw.Checkbox(description="Crop", indent=False, layout=_TICK),
        "signal_low": ipw.FloatText(layout=_NARROW),
        "signal_high": ipw.FloatText(layout=_NARROW),
        "picking": ipw.ToggleButtons(
            options=obj.trait("picking").trait_type.values, style={"button_width": "auto"}
        ),
        "n_spectra": ipw.IntText(layout=_NARROW),
        "random_state": ipw.IntText(layout=_NARROW),
        "max_epochs": ipw.IntText(layout=_NARROW),
        "filename": ipw.Text(continuous_update=False),
        "overwrite": ipw.Checkbox(description="overwrite", indent=False, layout=_WIDE),
    }
    for name in ("design", "architecture", "recipe", "training"):
        parts[name] = ipw.Dropdown(options=obj.trait(name).trait_type.values, layout=_WIDE)
    for name, part in parts.items():
        link((obj, name), (part, "value"))
        part.tooltip = obj.trait(name).desc or ""
        _show(obj, "editable", part, "disabled", lambda on: not on)
    shown = ipw.Dropdown(options=[""], layout=ipw.Layout(width="14em"))
    _keep_choice(obj, shown)
    _show(obj, "editable", shown, "disabled", lambda on: not on)
    buttons = {
        "train_button": ipw.Button(description="Train", button_style="success", icon="play"),
        "stop_button": ipw.Button(description="Stop", button_style="warning", icon="stop"),
        "save_button": ipw.Button(description="Save", icon="save"),
        "add_button": ipw.Button(description="Add region", icon="plus"),
        "plot_button": ipw.Button(description="Show plot", icon="bar-chart"),
        "close_button": ipw.Button(description="Close"),
    }
    for name in ("train", "stop", "save"):
        button = buttons[f"{name}_button"]
        button.on_click(lambda _, name=name: getattr(obj, name)())
        _show(obj, f"can_{name}", button, "disabled", lambda on: not on)
    buttons["add_button"].on_click(lambda _: obj.add_region())
    buttons["plot_button"].on_click(lambda _: obj.show_plot())
    drawn = "drawn" in obj.label_sources
    _show(obj, "editable", buttons["add_button"], "disabled", lambda on: not (on and drawn))

    said = {
        "status": _text(obj, "status", "font-weight:600"),
        "problem": _text(obj, "problem", "color:#b3261e"),
        "notes": _text(obj, "notes", "color:#8a6100"),
        "error": _text(obj, "error", "color:#b3261e;font-weight:600"),
        "design_help": _text(obj, "design_help", "color:#555"),
        "architecture_help": _text(obj, "architecture_help", "color:#555"),
        "recipe_help": _text(obj, "recipe_help", "color:#555"),
        "call": _text(obj, "call", "font-family:monospace;font-size:90%;color:#555"),
    }
    progress = ipw.FloatProgress(min=0, max=1, layout=ipw.Layout(width="100%"))
    _show(obj, "fraction", progress, "value")
    classes = ipw.HTML()
    _show(obj, "classes", classes, "value", _class_table)
    pictures = {}
    for name in ("input_picture", "training_picture"):
        picture = ipw.Image(format="png", layout=ipw.Layout(width="100%", max_width="864px"))
        _show(obj, name, picture, "value")
        _show(obj, name, picture.layout, "display", lambda png: "" if png else "none")
        pictures[name] = picture
    regions = ipw.VBox()
    _show_regions(obj, regions)
    drawing = ipw.VBox([regions, ipw.HBox([buttons["add_button"], buttons["plot_button"]])])
    _show(obj, "label_source", drawing.layout, "display", _shown_if("drawn"))
    _show(obj, "label_source", parts["label_file"].layout, "display", _shown_if("file"))

    box = ipw.VBox(
        [
            _heading("1. Labels"),
            ipw.HBox([_name("Labels from"), parts["label_source"], parts["label_file"]]),
            drawing,
            _heading("2. Energies (eV)"),
            _row("", parts["subtract"], parts["background_low"], "to", parts["background_high"]),
            _row("", parts["crop"], parts["signal_low"], "to", parts["signal_high"]),
            _row("Drag on the plot", parts["picking"]),
            pictures["input_picture"],
            _heading("3. Training"),
            _row("Design", parts["design"], said["design_help"]),
            _row("Recipe", parts["recipe"], said["recipe_help"]),
            _row("Architecture", parts["architecture"], said["architecture_help"]),
            _row("Train", parts["training"]),
            _row(
                "Spectra per class",
                parts["n_spectra"],
                "Seed",
                parts["random_state"],
                "Epochs at most (0: the recipe's)",
                parts["max_epochs"],
            ),
            said["call"],
            said["problem"],
            said["notes"],
            ipw.HBox([buttons["train_button"], buttons["stop_button"], said["status"]]),
            progress,
            said["error"],
            classes,
            _row("Shown", shown),
            pictures["training_picture"],
            _heading("4. Result"),
            ipw.HBox(
                [
                    parts["filename"],
                    parts["overwrite"],
                    buttons["save_button"],
                    buttons["close_button"],
                ]
            ),
        ],
        layout=ipw.Layout(max_width="900px"),
    )

    def close(_: Any) -> None:
        obj.close()
        box.close()

    buttons["close_button"].on_click(close)
    wdict = {**parts, **buttons, **said, **pictures}
    wdict |= {"shown": shown, "progress": progress, "classes": classes, "regions": regions}
    return {"widget": box, "wdict": wdict}


def _show(
    obj: AugmentationTool, name: str, widget: Any, attribute: str, change: Any = None
) -> None:
    """Update a widget from a trait; ``link_traits.dlink`` would not live long enough."""

    def show(_: Any = None) -> None:
        value = getattr(obj, name)
        setattr(widget, attribute, value if change is None else change(value))

    show()
    obj.observe(show, name)


def _name(text: str) -> ipw.Label:
    return ipw.Label(text, layout=ipw.Layout(width="8.5em", flex="0 0 auto"))


def _row(text: str, *parts: Any) -> ipw.HBox:
    shown = [ipw.Label(p) if isinstance(p, str) else p for p in parts]
    return ipw.HBox([_name(text), *shown])


def _heading(text: str) -> ipw.HTML:
    return ipw.HTML(f"<b style='font-size:110%'>{html.escape(text)}</b>")


def _text(obj: AugmentationTool, name: str, style: str) -> ipw.HTML:
    widget = ipw.HTML()

    def show(text: str) -> str:
        lines = html.escape(text).replace("\n", "<br>")
        return f"<div style='line-height:1.4;{style}'>{lines}</div>" if text else ""

    _show(obj, name, widget, "value", show)
    return widget


def _shown_if(source: str) -> Any:
    return lambda chosen: "" if chosen == source else "none"


def _class_table(classes: list) -> str:
    if not classes:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(one.name)}</td><td style='text-align:right'>{one.spectra}</td>"
        f"<td style='text-align:right'>{one.epoch}</td><td>{html.escape(one.state)}</td></tr>"
        for one in classes
    )
    head = "".join(f"<th style='text-align:left'>{n}</th>" for n in _COLUMNS)
    return (
        f"<table style='border-spacing:1.2em 0.1em;line-height:1.4'><tr>{head}</tr>{rows}</table>"
    )


_COLUMNS = ("Class", "Spectra", "Epoch", "State")


def _keep_choice(obj: AugmentationTool, widget: ipw.Dropdown) -> None:
    """Offer the classes with pictures, whose number grows."""

    def offer(_: Any = None) -> None:
        choices = list(obj.shown_choices) or [""]
        if tuple(widget.options) != tuple(choices):
            widget.options = choices
        if obj.shown in choices and widget.value != obj.shown:
            widget.value = obj.shown

    def choose(change: Any) -> None:
        if change.new and change.new != obj.shown and obj.editable:
            obj.shown = change.new

    offer()
    obj.observe(offer, "shown_choices, shown")
    widget.observe(choose, "value")


def _show_regions(obj: AugmentationTool, box: ipw.VBox) -> None:
    rows: dict[Region, ipw.HBox] = {}
    two = obj.signal.axes_manager.navigation_dimension == 2

    def row(region: Region) -> ipw.HBox:
        parts = [ipw.HTML(f"<span style='color:{region.colour};font-size:150%'>&#9632;</span>")]
        name = ipw.Text(continuous_update=False, layout=ipw.Layout(width="10em"))
        link((region, "name"), (name, "value"))
        parts.append(name)
        for limit in ("left", "right", "top", "bottom")[: 4 if two else 2]:
            number = ipw.FloatText(layout=_NARROW)
            link((region, limit), (number, "value"))
            parts += [ipw.Label(limit), number]
        remove = ipw.Button(icon="trash", layout=ipw.Layout(width="3em"), tooltip="remove")
        remove.on_click(lambda _: obj.remove_region(region))
        return ipw.HBox([*parts, remove])

    def update(_: Any = None) -> None:
        for region in obj.regions:
            if region not in rows:
                rows[region] = row(region)
        box.children = [rows[region] for region in obj.regions]

    update()
    obj.observe(update, "regions.items")
