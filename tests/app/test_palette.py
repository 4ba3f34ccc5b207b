"""Colours can be told apart, on both backgrounds and by the colour-blind, and the theme repeats them."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from app import palette
from bcl_core.registry import LOSSES, PROTOTYPES

LIGHT_BACKGROUND = "#FFFFFF"
VARIANTS = [
    *("scl", "class-averaging", "class-complement", "bcl", "bcl-class", "ce", "ce-la"),
    *(name for name, entry in LOSSES.items() if entry.weights is None and entry.contrastive),
]
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SEEN_WITH = {
    "normal vision": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def linear_rgb(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(colour: str, background: str) -> float:
    """WCAG 2.2 contrast ratio, from 1 to 21."""
    luminances = [float(linear_rgb(each) @ [0.2126, 0.7152, 0.0722]) for each in (colour, background)]
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def oklab(linear: np.ndarray) -> np.ndarray:
    """Björn Ottosson 2020."""
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, palette.DARK_BACKGROUND])
def test_every_line_stands_out_from_both_backgrounds(background: str) -> None:
    lines = [palette.loss_style(variant).colour for variant in VARIANTS]
    for colour in [*lines, *palette.GROUPS.values(), *palette.SHOTS.values(), palette.NEUTRAL]:
        assert contrast(colour, background) >= 3, colour


@pytest.mark.parametrize("background", [LIGHT_BACKGROUND, palette.DARK_BACKGROUND])
@pytest.mark.parametrize("num_classes", [10, 100, 1000])
def test_every_class_can_be_seen_on_both_backgrounds(num_classes: int, background: str) -> None:
    assert min(contrast(colour, background) for colour in palette.class_colours(num_classes)) >= 2.5


@pytest.mark.parametrize("vision", SEEN_WITH)
def test_ten_classes_can_be_told_apart(vision: str) -> None:
    seen = [oklab(np.clip(SEEN_WITH[vision] @ linear_rgb(colour), 0, 1)) for colour in palette.class_colours(10)]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.08


def test_a_class_keeps_its_colour_whatever_the_number_of_classes_up_to_ten() -> None:
    for num_classes in range(1, 11):
        assert palette.class_colours(num_classes) == palette.class_colours(10)[:num_classes]


def test_many_classes_run_from_the_head_s_colour_to_the_tail_s() -> None:
    colours = palette.class_colours(100)
    assert len(set(colours)) == 100
    assert (colours[0], colours[-1]) == (palette.class_colours(1)[0], palette.GROUPS["tail"])


def test_the_colours_of_many_classes_follow_their_rank_by_count_and_not_their_place() -> None:
    counts = np.random.default_rng(0).permutation(np.arange(1, 101))
    colours = palette.colours_of(counts.tolist())
    by_count = [colours[k] for k in np.argsort(-counts)]
    assert by_count == palette.class_colours(100) == palette.colours_of(sorted(counts.tolist(), reverse=True))


def test_the_colours_of_few_classes_are_theirs_whatever_the_counts() -> None:
    assert palette.colours_of([3, 90, 30]) == palette.class_colours(3)


def test_no_two_losses_share_colour_and_dash() -> None:
    variants = [*VARIANTS, "scl-class", "class-averaging-class", "class-complement-class"]
    variants += [
        f"{loss}-{prototypes}"
        for loss in ("class-complement", "bcl", "bcl-class", "ntce", "nonl")
        for prototypes in PROTOTYPES
        if prototypes != "learned"
    ]
    assert len({palette.loss_style(variant) for variant in variants}) == len(variants)


@pytest.mark.parametrize("variants", [["bcl"] * 4, ["scl", "scl-class", "scl", "scl-class"], ["new", "newer", "new"]])
def test_runs_of_one_loss_share_its_colour_and_no_two_look_alike(variants: list[str]) -> None:
    styles = palette.line_styles(variants)
    assert [style.colour for style in styles] == [palette.loss_style(variant).colour for variant in variants]
    assert styles[0] == palette.loss_style(variants[0])
    assert len(set(styles)) == len(variants)


def test_a_loss_has_one_dash_whatever_is_shown_beside_it_and_its_second_run_no_other_losss() -> None:
    first, second, third = palette.line_styles(["bcl-class"] * 3)
    assert first.dash == palette.loss_style("bcl-class").dash
    for twin in (second, third):
        assert palette.pixels(twin.dash)[:2] == palette.pixels(first.dash)
        assert twin.dash not in {palette.loss_style(variant).dash for variant in VARIANTS}


def test_an_unknown_loss_is_neutral() -> None:
    assert palette.loss_style("tomorrow's loss").colour == palette.NEUTRAL


def test_small_and_large_deviations_are_equally_far_from_the_middle() -> None:
    positions = [position for position, _ in palette.DEVIATION]
    assert np.allclose(positions, 1 - np.array(positions[::-1]))


def test_the_theme_repeats_the_palette() -> None:
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
    light, dark = config["theme"]["light"], config["theme"]["dark"]
    assert light["backgroundColor"] == LIGHT_BACKGROUND
    assert dark["backgroundColor"] == palette.DARK_BACKGROUND
    for theme in (light, dark):
        assert contrast("#FFFFFF", theme["primaryColor"]) >= 4.5
        assert theme["chartCategoricalColors"] == palette.class_colours(10)
        assert contrast(theme["textColor"], theme["backgroundColor"]) >= 7
        assert contrast(theme["linkColor"], theme["backgroundColor"]) >= 4.5


def cielab(colour: str) -> np.ndarray:
    """CIE 1976 L*a*b* under D65."""
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
    )
    x, y, z = np.cbrt(xyz @ linear_rgb(colour) / [0.95047, 1, 1.08883])  # no colour here is near black
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def mixtures(stops: palette.ColourScale) -> list[str]:
    """Colours along a scale that is linear between its stops."""
    places = [at for at, _ in stops]
    channels = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in stops])
    along = np.linspace(0, 1, 41)
    rgb = np.stack([np.interp(along, places, channel) for channel in channels.T], axis=1).round().astype(int)
    return [f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in rgb]


@pytest.mark.parametrize("kind", ["losses", "classes", "shots", "deviation"])
def test_nothing_else_has_the_tail_s_colour_or_one_near_it(kind: str) -> None:
    """At least 40 apart in CIELAB; about 2.3 can just be told apart."""
    tail = palette.GROUPS["tail"]
    colours = {
        "losses": [palette.loss_style(variant).colour for variant in VARIANTS],
        "classes": palette.class_colours(10),
        "shots": list(palette.SHOTS.values()),
        "deviation": mixtures(palette.DEVIATION),
    }[kind]
    near = {colour: np.linalg.norm(cielab(colour) - cielab(tail)) for colour in colours}
    assert min(near.values()) > 40, near


def test_few_images_and_the_rarest_of_all_are_not_one_colour() -> None:
    assert not {palette.SHOTS["many"], palette.SHOTS["few"]} & {*palette.GROUPS.values()}
