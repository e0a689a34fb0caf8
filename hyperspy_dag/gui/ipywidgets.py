# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in Jupyter."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as ipw
from hyperspy_gui_ipywidgets.utils import add_display_arg
from link_traits import link

from ._pictures import png
from .map_step import MapStep
from .model import AugmentationTool
from .regions import Region
from .sampling_step import CONDITIONS

_WIDE = ipw.Layout(width="auto", min_width="8em")
_TICK = ipw.Layout(width="14em")
_NARROW = ipw.Layout(width="7em")

# Colours of JupyterLab's theme, light or dark; what follows the comma is for other notebooks.
_FAINT = "color:var(--jp-ui-font-color2, #555)"
_BAD = "color:var(--jp-error-color0, #b3261e)"
_LOOK = "color:var(--jp-warn-color0, #8a6100)"
_BOLD = "font-weight:600"


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
        _link(obj, name, part)
        _show(obj, "editable", part, "disabled", lambda on: not on)
    shown = ipw.Dropdown(options=[""], layout=ipw.Layout(width="14em"))
    _keep_choices(obj, shown, "shown_choices", "shown")
    _show(obj, "editable", shown, "disabled", lambda on: not on)
    buttons = {
        "train_button": ipw.Button(description="Train", button_style="success", icon="play"),
        "stop_button": ipw.Button(description="Stop", button_style="warning", icon="stop"),
        "draw_button": ipw.Button(description="Draw again", icon="refresh"),
        "save_button": ipw.Button(description="Save", icon="save"),
        "add_button": ipw.Button(description="Add region", icon="plus"),
        "plot_button": ipw.Button(description="Show plot", icon="bar-chart"),
        "close_button": ipw.Button(description="Close"),
    }
    for name in ("train", "stop", "draw", "save"):
        button = buttons[f"{name}_button"]
        button.on_click(lambda _, name=name: getattr(obj, name)())
        _show(obj, f"can_{name}", button, "disabled", lambda on: not on)
    buttons["add_button"].on_click(lambda _: obj.add_region())
    buttons["plot_button"].on_click(lambda _: obj.show_plot())
    drawn = "drawn" in obj.label_sources
    _show(obj, "editable", buttons["add_button"], "disabled", lambda on: not (on and drawn))

    said = {
        "status": _text(obj, "status", _BOLD),
        "problem": _text(obj, "problem", _BAD),
        "notes": _text(obj, "notes", _LOOK),
        "error": _text(obj, "error", f"{_BAD};{_BOLD}"),
        "verdict": _text(obj, "verdict", _BOLD),
        "design_help": _text(obj, "design_help", _FAINT),
        "architecture_help": _text(obj, "architecture_help", _FAINT),
        "recipe_help": _text(obj, "recipe_help", _FAINT),
        "call": _text(obj, "call", f"font-family:monospace;font-size:90%;{_FAINT}"),
    }
    progress = ipw.FloatProgress(min=0, max=1, layout=ipw.Layout(width="100%"))
    _show(obj, "fraction", progress, "value")
    classes = ipw.HTML()
    _show(obj, "classes", classes, "value", _class_table)
    pictures = {}
    for name in ("input_picture", "training_picture"):
        pictures[name] = _image(obj, name, "864px")
    regions = ipw.VBox()
    _show_regions(obj, regions)
    drawing = ipw.VBox([regions, _row("", buttons["add_button"], buttons["plot_button"])])
    _show(obj, "label_source", drawing.layout, "display", _shown_if("drawn"))
    _show(obj, "label_source", parts["label_file"].layout, "display", _shown_if("file"))

    conditions, typed = _conditions(obj)
    map_step, of_map = _map_step(obj.map)
    box = ipw.VBox(
        [
            _heading("1. Labels"),
            _row("Labels from", parts["label_source"], parts["label_file"]),
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
                "Seed",
                parts["random_state"],
                "Epochs at most (0: the recipe's)",
                parts["max_epochs"],
            ),
            said["call"],
            said["problem"],
            said["notes"],
            _row("", buttons["train_button"], buttons["stop_button"], said["status"]),
            progress,
            said["error"],
            classes,
            said["verdict"],
            _row("Shown", shown),
            pictures["training_picture"],
            _heading("4. Synthetic spectra"),
            _row("Spectra per class", parts["n_spectra"], buttons["draw_button"]),
            conditions,
            _row("File", parts["filename"], parts["overwrite"], buttons["save_button"]),
            _heading("5. Another map"),
            *map_step,
            buttons["close_button"],
        ],
        layout=ipw.Layout(max_width="900px"),
    )

    def close(_: Any) -> None:
        obj.close()
        box.close()

    buttons["close_button"].on_click(close)
    wdict = {**parts, **buttons, **said, **pictures, **typed, **of_map}
    wdict |= {"shown": shown, "progress": progress, "classes": classes, "regions": regions}
    return {"widget": box, "wdict": wdict}


def _conditions(obj: AugmentationTool) -> tuple[ipw.Accordion, dict[str, Any]]:
    """Return the fields of the conditions under which spectra are drawn."""
    fields = {
        name: ipw.Text(
            placeholder="as labelled", continuous_update=False, layout=ipw.Layout(width="9em")
        )
        for name in CONDITIONS
    }
    rows = [_note("A number, or a range to draw from such as -0.2 to 0.4.")]
    for name, field in fields.items():
        _link(obj.sampling, name, field)
        _show(obj, "editable", field, "disabled", lambda on: not on)
        called, meaning = CONDITIONS[name]
        rows.append(_row(called, field, _note(meaning)))
    folded = ipw.Accordion([ipw.VBox(rows)], titles=["Under other conditions"])
    return folded, {f"sampling_{name}": field for name, field in fields.items()}


def _map_step(step: MapStep) -> tuple[list[ipw.Widget], dict[str, Any]]:
    """Return the rows of the last step, and its parts."""
    parts = {
        "source": ipw.Dropdown(options=step.sources, layout=_WIDE),
        "source_file": ipw.Text(placeholder="next.hspy", continuous_update=False),
        "adapting": ipw.Checkbox(description="adapt to it first", indent=False, layout=_TICK),
        "low_loss": ipw.Dropdown(options=step.low_losses, layout=_WIDE),
        "filename": ipw.Text(continuous_update=False),
        "overwrite": ipw.Checkbox(description="overwrite", indent=False, layout=_WIDE),
        "column": ipw.IntText(layout=_NARROW),
        "row": ipw.IntText(layout=_NARROW),
    }
    for name, choices in (("source", "sources"), ("low_loss", "low_losses")):
        _keep_choices(step, parts[name], choices, name)
    for name, part in parts.items():
        if name not in ("source", "low_loss"):
            _link(step, name, part)
    buttons = {
        "classify": ipw.Button(description="Classify", button_style="success", icon="map-o"),
        "save": ipw.Button(description="Save map", icon="save"),
    }
    for name, button in buttons.items():
        button.on_click(lambda _, name=name: getattr(step, name)())
        _show(step, f"can_{name}", button, "disabled", lambda on: not on)
    said = {
        "status": _text(step, "status", _BOLD),
        "found": _text(step, "found", ""),
        "notes": _text(step, "notes", _LOOK),
        "error": _text(step, "error", f"{_BAD};{_BOLD}"),
        "call": _text(step, "call", f"font-family:monospace;font-size:90%;{_FAINT}"),
    }
    spectrum = _image(step, "spectrum_picture", "486px")
    spectrum.layout.flex, spectrum.layout.min_width = "1 1 280px", "0"
    canvas = ipw.Box(layout=ipw.Layout(flex="0 0 auto", max_width="100%"))
    place = _row("Spectrum", "column", parts["column"], "row", parts["row"])
    looked_at = ipw.VBox([ipw.Box([canvas, spectrum], layout=_wrapped()), place])
    _show(step, "picture", canvas, "children", lambda made: [_canvas(step)] if made else [])
    _show(step, "source", parts["source_file"].layout, "display", _shown_if("a file"))
    saving = _row("File", parts["filename"], parts["overwrite"], buttons["save"])
    for part in (looked_at, saving):
        _show(step, "phases", part.layout, "display", lambda made: "" if made else "none")
    rows = [
        _row("Map", parts["source"], parts["source_file"]),
        _row("", parts["adapting"], "Low loss", parts["low_loss"]),
        _row("", buttons["classify"], said["status"]),
        said["error"],
        said["notes"],
        said["found"],
        looked_at,
        said["call"],
        saving,
    ]
    wdict = {f"{name}_button": button for name, button in buttons.items()} | parts | said
    return rows, {f"map_{n}": w for n, w in wdict.items()} | {"map_canvas": canvas}


def _canvas(step: MapStep) -> ipw.Widget:
    """Return the map on a canvas that is clicked on, if ipympl is there, or as a picture."""
    try:
        from ipympl.backend_nbagg import Canvas, FigureManager
    except ImportError:
        image = ipw.Image(format="png", layout=ipw.Layout(max_width="100%"))
        _show(step, "spectrum_picture", image, "value", lambda _: png(step.picture.figure))
        return image
    canvas = Canvas(step.picture.figure)
    FigureManager(canvas, 0)  # the browser shows no canvas without a manager
    canvas.header_visible = canvas.footer_visible = canvas.toolbar_visible = False
    canvas.resizable = False
    return canvas


def _link(obj: Any, name: str, part: Any) -> None:
    link((obj, name), (part, "value"))
    part.tooltip = obj.trait(name).desc or ""


def _image(obj: Any, name: str, width: str) -> ipw.Image:
    picture = ipw.Image(format="png", layout=ipw.Layout(width="100%", max_width=width))
    _show(obj, name, picture, "value")
    _show(obj, name, picture.layout, "display", lambda png: "" if png else "none")
    return picture


def _show(obj: Any, name: str, widget: Any, attribute: str, change: Any = None) -> None:
    """Update a widget from a trait; ``link_traits.dlink`` would not live long enough."""

    def show(_: Any = None) -> None:
        value = getattr(obj, name)
        setattr(widget, attribute, value if change is None else change(value))

    show()
    obj.observe(show, name)


def _wrapped() -> ipw.Layout:
    return ipw.Layout(flex_flow="row wrap", align_items="center")


def _name(text: str) -> ipw.Label:
    return ipw.Label(text, layout=ipw.Layout(width="8.5em", flex="0 0 auto"))


def _row(text: str, *parts: Any) -> ipw.HBox:
    shown = [ipw.Label(p) if isinstance(p, str) else p for p in parts]
    return ipw.HBox([*([_name(text)] if text else []), *shown], layout=_wrapped())


def _note(text: str) -> ipw.HTML:
    return ipw.HTML(f"<span style='{_FAINT}'>{html.escape(text)}</span>")


def _heading(text: str) -> ipw.HTML:
    return ipw.HTML(f"<b style='font-size:110%'>{html.escape(text)}</b>")


def _text(obj: Any, name: str, style: str) -> ipw.HTML:
    widget = ipw.HTML()

    def show(text: str) -> str:
        lines = html.escape(text).replace("\n", "<br>")
        return (
            f"<div style='line-height:1.4;overflow-wrap:anywhere;{style}'>{lines}</div>"
            if text
            else ""
        )

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


def _keep_choices(obj: Any, widget: ipw.Dropdown, choices: str, name: str) -> None:
    """Offer choices whose number changes."""

    def offer(_: Any = None) -> None:
        offered = list(getattr(obj, choices)) or [""]
        if tuple(widget.options) != tuple(offered):
            widget.options = offered
        if getattr(obj, name) in offered and widget.value != getattr(obj, name):
            widget.value = getattr(obj, name)

    def choose(change: Any) -> None:
        if change.new and change.new != getattr(obj, name) and getattr(obj, "editable", True):
            setattr(obj, name, change.new)

    offer()
    obj.observe(offer, f"{choices}, {name}")
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
        return ipw.HBox([*parts, remove], layout=_wrapped())

    def update(_: Any = None) -> None:
        for region in obj.regions:
            if region not in rows:
                rows[region] = row(region)
        box.children = [rows[region] for region in obj.regions]

    update()
    obj.observe(update, "regions.items")
